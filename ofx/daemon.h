/* The way to the daemon: where it is, and questions to it. It never answers on this way; its answers are files. */
#ifndef ANSWERPRINT_DAEMON_H
#define ANSWERPRINT_DAEMON_H

#include "pixels.h"
#include "platform.h"
#include "protocol.h"

/* trust: of the folder and file in which the daemon says where it is. cache: as the daemon says, else where it is by
   default; empty if it cannot be trusted. */
typedef struct {
    Trust trust;
    char address[160];
    uint8_t token[TOKEN_BYTES];
    int64_t pid;
    char cache[FOLDER_BYTES + 64];
} Rendezvous;

/* samples: the picture that the host shows, or NULL. */
typedef struct {
    uint32_t kind, flags;
    int64_t frame, job, first, stop;
    uint32_t width, height;
    const char *path;
    uint32_t path_bytes;
    const Image *samples;
} Question;

/* Finds the program's folder. Opens nothing. */
void daemon_load(void);
void daemon_unload(void);

void read_rendezvous(Rendezvous *found);

/* Whether all was sent. Never waits; a thread that finds the connection in use drops its question. */
bool ask_daemon(const Rendezvous *at, const Question *question);

/* Whether the last question found nobody who takes questions. */
bool daemon_is_silent(void);

uint32_t get_u32(const uint8_t *at);
uint64_t get_u64(const uint8_t *at);
float get_f32(const uint8_t *at);

#endif
