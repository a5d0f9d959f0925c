/* What differs between systems: files, folders, the socket, time. posix.c and windows.c implement it.
   Nothing here blocks, starts a thread, installs a signal handler, or can be killed by a file that changes. */
#ifndef ANSWERPRINT_PLATFORM_H
#define ANSWERPRINT_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLDER_BYTES 2048

typedef intptr_t FileHandle;
typedef intptr_t SocketHandle;
#define NO_HANDLE ((intptr_t)-1)

/* Whether a folder or file can be trusted: it is there, real, ours, and nobody else can reach it. */
typedef enum { TRUST_YES, TRUST_ABSENT, TRUST_NO } Trust;

int64_t now_ms(void);
void sleep_ms(int milliseconds);

/* The program's folder, as home.py finds it; false if there is none, or its name is too long. */
bool home_folder(char folder[FOLDER_BYTES]);

Trust folder_trust(const char *folder);

/* Opens a regular file for reading, never through a link; NO_HANDLE if there is none. trust: may be NULL; else the file
   must be private as well, and the reason of a refusal is written there. */
FileHandle open_file(const char *path, uint64_t *size, Trust *trust);

/* Whether all bytes could be read. Safe from several threads at once. */
bool read_at(FileHandle file, void *into, size_t bytes, uint64_t offset);
void close_file(FileHandle file);

bool process_lives(int64_t pid);

/* Starts to connect to "unix:/path" or "127.0.0.1:port". */
SocketHandle connect_to(const char *address);

/* SENT: all of it. DROPPED: nothing of it, because nobody has read what was sent before. BROKEN: close the socket. */
typedef enum { SENT, DROPPED, BROKEN } SendResult;
SendResult send_all(SocketHandle handle, const void *data, size_t bytes);
void close_socket(SocketHandle handle);

/* Gives back what the system lent for sockets. */
void end_sockets(void);

#endif
