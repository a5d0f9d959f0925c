/* One node, its parameters, and what hosts say about it. */
#ifndef ANSWERPRINT_EFFECT_H
#define ANSWERPRINT_EFFECT_H

#include <stdatomic.h>

#include "cache.h"

#define PLUGIN_IDENTIFIER "answerprint.RestoredFrames"
#define PLUGIN_MAJOR 1
#define PLUGIN_MINOR 0

/* The host, and its suites; those that it need not have may be NULL. */
typedef struct {
    OfxHost *host;
    const OfxPropertySuite *property;
    const OfxImageEffectSuite *effect;
    const OfxParameterSuite *parameter;
    const OfxMultiThreadSuite *threads;
    const OfxInteractSuite *interact;
    const OfxDrawSuite *draw;
} Host;

extern Host host; /* Written in SetHost and Load only. */

/* In the order of the parameters' table. */
typedef enum {
    PARAM_SHOW, PARAM_WIPE_POSITION, PARAM_WIPE_ANGLE, PARAM_STRENGTH, PARAM_RESTORATION, PARAM_RESTORE, PARAM_REFRESH,
    PARAM_STATUS, PARAM_BADGE, PARAM_BADGE_IN_FINAL, PARAM_NOT_READY, PARAM_FILE, PARAM_OFFSET, PARAM_GENERATION, PARAMS
} Param;

typedef enum { SHOW_RESTORED, SHOW_SOURCE, SHOW_WIPE, SHOW_DIFFERENCE } Show;
typedef enum { NOT_READY_SOURCE, NOT_READY_WAIT, NOT_READY_FAIL } NotReady;

/* Several threads may render one instance at once, so that all that changes is atomic. */
typedef struct {
    OfxEffectHandle handle;
    OfxPropertySetHandle properties, source_properties;
    OfxClipHandle source, output;
    OfxParamHandle params[PARAMS];
    bool position_is_fraction;
    atomic_uint fit;              /* the colour fit that matched last */
    atomic_uint width, height;    /* of the last picture */
    atomic_int sequence;          /* whether the sequence being rendered is interactive; -1: the host has not said */
    atomic_llong samples_ms, at_ms;
    atomic_llong time;            /* of the last render */
    atomic_llong time_to_frame;   /* the file's frame less the host's time, as last rendered */
    atomic_bool time_is_known, is_dragging;
} Instance;

Instance *instance_of(OfxEffectHandle handle);

/* The file that the node shows. offset: whether frames are counted from the file's start, because the user named it.
   text: at least MAX_PATH_BYTES + 1. Returns the length; 0 if nobody has named a file, or its name is too long. */
uint32_t source_file(const Instance *self, char *text, bool *offset);

/* Whole, and never outside of what fits; half is rounded up. */
int64_t whole(double value);

double double_at(const Instance *self, Param param, double time);
/* The point of the wipe that is on its border, as the host counts; or, if `fraction`, as a part of the picture. */
bool wipe_position(const Instance *self, double time, OfxPointD *position, bool *fraction);
int int_at(const Instance *self, Param param, double time);

int get_int(OfxPropertySetHandle set, const char *name, int otherwise);
const char *get_string(OfxPropertySetHandle set, const char *name);

/* The frame of the file at a time of the effect, where the user named the file. */
int64_t frame_by_offset(const Instance *self, double time);

/* parameters.c */
const char *param_name(Param param);
OfxStatus describe_effect(OfxEffectHandle effect);
OfxStatus describe_in_context(OfxEffectHandle effect);
void enable_params(Instance *self);
void show_status(Instance *self, const char *said);

/* render.c */
OfxStatus render_frame(Instance *self, OfxPropertySetHandle in);

/* overlay.c */
OfxStatus overlay_entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out);

/* badge.c: draws a line of text into the lower left corner of the picture, where it is within the window. */
void draw_badge(const Image *image, OfxRectI window, const char *text);

#endif
