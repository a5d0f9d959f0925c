/* One render: what was asked for, and what was found. */
#ifndef ANSWERPRINT_RENDER_H
#define ANSWERPRINT_RENDER_H

#include "effect.h"

/* window: the part of the output to be written. wipe: a point on the border, and the direction to the restored side. */
typedef struct {
    Instance *self;
    double time;
    OfxRectI window;
    bool final, thumbnail, one_field;
    int show;
    float strength;
    double wipe_x, wipe_y, wipe_cos, wipe_sin;
    Image output, source;
    Rendezvous daemon;
    Wanted wanted;
    RestoreState state;
    Lookup lookup;
    CachedFrame frame;
    uint32_t question_flags;
    atomic_bool torn;    /* the file of the frame became shorter while it was read */
    atomic_bool starved; /* there was no memory */
} Render;

/* blend.c: writes the window of the output, on the host's threads if it lends them. */
void render_window(Render *r);

#endif
