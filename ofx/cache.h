/* The daemon's answers: a small file with the state of a restoration, and one file for each finished frame. */
#ifndef ANSWERPRINT_CACHE_H
#define ANSWERPRINT_CACHE_H

#include "daemon.h"

/* What a render asks for: a frame of a file, of one restoration (0: the newest), for a picture of this size. */
typedef struct {
    const char *path;
    uint32_t path_bytes;
    int64_t frame, job;
    uint32_t width, height;
} Wanted;

/* text: one sentence for the user, valid UTF-8. there: whether the daemon has said anything; the rest is zero if not. */
typedef struct {
    bool there;
    uint32_t state, progress, fits, flags;
    int64_t first, stop, job_shown;
    float residual;
    char text[512];
} RestoreState;

/* x, y, w, h: the rectangle that the restored frame covers, from the lower left corner of the picture. */
typedef struct {
    FileHandle file;
    uint32_t x, y, w, h, fit;
    bool has_alpha;
    uint64_t pixels_at;
} CachedFrame;

typedef enum {
    FRAME_FOUND,
    FRAME_ABSENT,   /* not there yet */
    FRAME_DIFFERENT /* there, but the host's picture is not the frame that it was made from */
} Lookup;

void read_state(const char *cache, const Wanted *wanted, RestoreState *state);

/* shown: the host's picture. fit: the colour fit that matched last; written if another one does. Close the file of a
   frame that was found. */
Lookup find_frame(const char *cache, const Wanted *wanted, const RestoreState *state, const Image *shown, uint32_t *fit,
                  CachedFrame *frame);

#endif
