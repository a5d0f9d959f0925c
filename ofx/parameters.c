/* What the effect says of itself: its abilities, clips and parameters. */
#include "effect.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name, *type, *label, *parent, *hint;
} ParamText;

static const ParamText TABLE[PARAMS] = {
    [PARAM_SHOW] = {"show", OFX_PARAM_CHOICE, "Show", "",
                    "Restored frames, the source, both side by side, or how far they differ."},
    [PARAM_WIPE_POSITION] = {"wipePosition", OFX_PARAM_DOUBLE_2D, "Wipe position", "wipe",
                             "A point on the border: the source is left of it, the restored frame right of it."},
    [PARAM_WIPE_ANGLE] = {"wipeAngle", OFX_PARAM_DOUBLE, "Wipe angle", "wipe", "Turns the border, in degrees."},
    [PARAM_STRENGTH] = {"strength", OFX_PARAM_DOUBLE, "Strength", "", "0 is the source, 1 the restored frame."},
    [PARAM_RESTORATION] = {"restoration", OFX_PARAM_INTEGER, "Restoration", "",
                           "Number of the job whose frames are shown; 0 is the newest one of this file."},
    [PARAM_RESTORE] = {"restore", OFX_PARAM_BUTTON, "Restore this clip", "",
                       "Asks the daemon to restore this clip, with your settings."},
    [PARAM_REFRESH] = {"refresh", OFX_PARAM_BUTTON, "Refresh", "", "Looks again for frames that are finished meanwhile."},
    [PARAM_STATUS] = {"status", OFX_PARAM_STRING, "Status", "", "What the daemon says of this clip; Refresh reads it again."},
    [PARAM_BADGE] = {"badge", OFX_PARAM_BOOLEAN, "Badge", "display",
                     "Says in the corner of the picture why a restored frame is missing. Never in a final render."},
    [PARAM_BADGE_IN_FINAL] = {"badgeInFinal", OFX_PARAM_BOOLEAN, "Badge in final renders", "display",
                              "Also in final renders, and in hosts that do not say that a render is only for the screen."},
    [PARAM_NOT_READY] = {"notReady", OFX_PARAM_CHOICE, "If a frame is not ready", "display",
                         "What a final render does with a frame that is not finished."},
    [PARAM_FILE] = {"file", OFX_PARAM_STRING, "File", "source",
                    "The media file that this clip shows. Empty: as the host says; DaVinci Resolve does."},
    [PARAM_OFFSET] = {"offset", OFX_PARAM_INTEGER, "Frame offset", "source",
                      "With a file: frames that the clip begins after the start of the file."},
    [PARAM_GENERATION] = {"generation", OFX_PARAM_INTEGER, "Generation", "", "Counts presses of Refresh."},
};

static const char *const GROUPS[][2] = {{"wipe", "Wipe"}, {"display", "Display"}, {"source", "Source file"}};

const char *param_name(Param param) { return TABLE[param].name; }

static void set_string(OfxPropertySetHandle set, const char *name, const char *value) {
    host.property->setString(set, name, 0, value);
}

static void set_int(OfxPropertySetHandle set, const char *name, int value) { host.property->setInt(set, name, 0, value); }

static void set_double(OfxPropertySetHandle set, const char *name, double value) {
    host.property->setDouble(set, name, 0, value);
}

/* Hosts before 1.5 do not know these properties, and those that manage no colours do not want them. */
static void describe_colour(OfxPropertySetHandle effect) {
    int version[2] = {1, 0};
    if (host.property->getIntN(host.host->host, OFX_API_VERSION, 2, version)) return;
    if (version[0] == 1 && version[1] < 5) return;
    const char *style = get_string(host.host->host, OFX_COLOUR_STYLE);
    if (!style || !*style || !strcmp(style, OFX_COLOUR_NONE)) return;
    set_string(effect, OFX_COLOUR_CONFIGS, OFX_NATIVE_CONFIG);
    set_string(effect, OFX_COLOUR_STYLE, OFX_COLOUR_FULL); /* pictures are compared and fitted in whatever colours come */
}

OfxStatus describe_effect(OfxEffectHandle handle) {
    OfxPropertySetHandle effect;
    if (host.effect->getPropertySet(handle, &effect)) return OFX_FAILED;
    set_string(effect, OFX_LABEL, "Answerprint");
    set_string(effect, OFX_SHORT_LABEL, "Answerprint");
    set_string(effect, OFX_LONG_LABEL, "Answerprint: restored frames");
    set_string(effect, OFX_GROUPING, "Answerprint");
    set_string(effect, OFX_DESCRIPTION, "Shows the frames that the Answerprint daemon has restored, in place of the source's.");
    host.property->setString(effect, OFX_CONTEXTS, 0, OFX_CONTEXT_FILTER);
    host.property->setString(effect, OFX_CONTEXTS, 1, OFX_CONTEXT_GENERAL);
    host.property->setString(effect, OFX_DEPTHS, 0, OFX_FLOAT);
    host.property->setString(effect, OFX_DEPTHS, 1, OFX_HALF);
    set_int(effect, OFX_SINGLE_INSTANCE, 0);
    set_string(effect, OFX_THREAD_SAFETY, OFX_FULLY_SAFE);
    set_int(effect, OFX_FRAME_THREADING, 0);
    set_int(effect, OFX_MULTI_RESOLUTION, 1);
    set_int(effect, OFX_TILES, 0);
    set_int(effect, OFX_TEMPORAL, 1);
    set_int(effect, OFX_RENDER_TWICE, 0);
    set_int(effect, OFX_MULTIPLE_DEPTHS, 0);
    set_int(effect, OFX_MULTIPLE_ASPECTS, 0);
    describe_colour(effect);
    if (host.draw) host.property->setPointer(effect, OFX_OVERLAY_V2, 0, (void *)overlay_entry);
    return OFX_OK;
}

static OfxStatus define_clip(OfxEffectHandle effect, const char *name, bool input) {
    OfxPropertySetHandle clip;
    if (host.effect->clipDefine(effect, name, &clip)) return OFX_FAILED;
    set_string(clip, OFX_ALL_COMPONENTS, OFX_RGBA);
    set_int(clip, OFX_TILES, 0);
    set_string(clip, OFX_FIELD_EXTRACTION, OFX_FIELD_BOTH);
    if (input) set_int(clip, OFX_TEMPORAL, 1);
    return OFX_OK;
}

static void describe_choice(OfxPropertySetHandle param, const char *const *options, int count) {
    for (int i = 0; i < count; i++) host.property->setString(param, OFX_PARAM_OPTION, i, options[i]);
    set_int(param, OFX_PARAM_DEFAULT, 0);
}

static void describe_integer(OfxPropertySetHandle param, int least, int most, int display) {
    set_int(param, OFX_PARAM_DEFAULT, 0);
    set_int(param, OFX_PARAM_MIN, least);
    set_int(param, OFX_PARAM_MAX, most);
    set_int(param, OFX_PARAM_DISPLAY_MIN, least < -display ? -display : least);
    set_int(param, OFX_PARAM_DISPLAY_MAX, display);
}

static void describe_double(OfxPropertySetHandle param, double value, double least, double most) {
    set_double(param, OFX_PARAM_DEFAULT, value);
    set_double(param, OFX_PARAM_MIN, least);
    set_double(param, OFX_PARAM_MAX, most);
    set_double(param, OFX_PARAM_DISPLAY_MIN, least);
    set_double(param, OFX_PARAM_DISPLAY_MAX, most);
}

/* In the middle of the picture. Hosts before 1.2 know fractions of the picture only as a type of parameter. */
static void describe_position(OfxPropertySetHandle param) {
    bool canonical = !host.property->setString(param, OFX_PARAM_COORDINATES, 0, OFX_NORMALISED);
    set_string(param, OFX_PARAM_DOUBLE_TYPE, canonical ? OFX_XY_ABSOLUTE : OFX_NORMALISED_XY_ABSOLUTE);
    double middle[2] = {0.5, 0.5};
    host.property->setDoubleN(param, OFX_PARAM_DEFAULT, 2, middle);
    if (get_int(param, OFX_PARAM_HAS_HANDLE, 0)) set_int(param, OFX_PARAM_USE_HANDLE, 1);
}

static void describe_string(OfxPropertySetHandle param, Param which) {
    set_string(param, OFX_PARAM_DEFAULT, "");
    set_int(param, OFX_PARAM_ANIMATES, 0);
    if (which == PARAM_FILE) {
        set_string(param, OFX_PARAM_STRING_MODE, OFX_STRING_FILE);
        set_int(param, OFX_PARAM_FILE_EXISTS, 0);
    } else {
        set_string(param, OFX_PARAM_STRING_MODE, OFX_STRING_LABEL);
        set_int(param, OFX_PARAM_EVALUATE, 0);
        set_int(param, OFX_PARAM_PERSISTENT, 0);
        set_int(param, OFX_PARAM_CAN_UNDO, 0);
        set_int(param, OFX_PARAM_MAY_WRITE, 1);
    }
}

static void describe_generation(OfxPropertySetHandle param) {
    describe_integer(param, 0, INT_MAX, INT_MAX);
    set_int(param, OFX_PARAM_SECRET, 1);
    set_int(param, OFX_PARAM_CAN_UNDO, 0);
    set_int(param, OFX_PARAM_MAY_WRITE, 1);
    set_string(param, OFX_PARAM_INVALIDATION, OFX_PARAM_INVALIDATE_ALL);
}

static void describe_param(OfxPropertySetHandle param, Param which) {
    static const char *const shows[] = {"Restored", "Source", "Wipe", "Difference"};
    static const char *const not_ready[] = {"Pass the source through", "Wait up to 10 seconds", "Fail the render"};
    bool animates = which == PARAM_WIPE_POSITION || which == PARAM_WIPE_ANGLE || which == PARAM_STRENGTH;
    if (!animates && strcmp(TABLE[which].type, OFX_PARAM_BUTTON)) set_int(param, OFX_PARAM_ANIMATES, 0);
    switch (which) {
    case PARAM_SHOW: describe_choice(param, shows, 4); break;
    case PARAM_NOT_READY: describe_choice(param, not_ready, 3); break;
    case PARAM_WIPE_POSITION: describe_position(param); break;
    case PARAM_WIPE_ANGLE:
        set_string(param, OFX_PARAM_DOUBLE_TYPE, OFX_ANGLE);
        describe_double(param, 0, -180, 180);
        break;
    case PARAM_STRENGTH: describe_double(param, 1, 0, 1); break;
    case PARAM_RESTORATION: describe_integer(param, 0, INT_MAX, 1000); break;
    case PARAM_OFFSET: describe_integer(param, -INT_MAX, INT_MAX, 1000); break;
    case PARAM_BADGE: set_int(param, OFX_PARAM_DEFAULT, 1); break;
    case PARAM_BADGE_IN_FINAL: set_int(param, OFX_PARAM_DEFAULT, 0); break;
    case PARAM_STATUS: case PARAM_FILE: describe_string(param, which); break;
    case PARAM_GENERATION: describe_generation(param); break;
    default: break;
    }
}

OfxStatus describe_in_context(OfxEffectHandle effect) {
    OfxParamSetHandle params;
    OfxPropertySetHandle param;
    if (define_clip(effect, "Source", true) || define_clip(effect, "Output", false)) return OFX_FAILED;
    if (host.effect->getParamSet(effect, &params)) return OFX_FAILED;
    for (size_t i = 0; i < sizeof GROUPS / sizeof *GROUPS; i++) {
        if (host.parameter->paramDefine(params, OFX_PARAM_GROUP, GROUPS[i][0], &param)) return OFX_FAILED;
        set_string(param, OFX_LABEL, GROUPS[i][1]);
    }
    for (Param i = 0; i < PARAMS; i++) {
        if (host.parameter->paramDefine(params, TABLE[i].type, TABLE[i].name, &param)) return OFX_FAILED;
        set_string(param, OFX_LABEL, TABLE[i].label);
        set_string(param, OFX_PARAM_HINT, TABLE[i].hint);
        if (*TABLE[i].parent) set_string(param, OFX_PARAM_PARENT, TABLE[i].parent);
        describe_param(param, i);
    }
    return OFX_OK;
}

void enable_params(Instance *self) {
    OfxPropertySetHandle param;
    int wipe = int_at(self, PARAM_SHOW, 0) == SHOW_WIPE;
    for (Param i = PARAM_WIPE_POSITION; i <= PARAM_WIPE_ANGLE; i++)
        if (!host.parameter->paramGetPropertySet(self->params[i], &param)) set_int(param, OFX_PARAM_ENABLED, wipe);
}

static void describe_state(const RestoreState *state, const Rendezvous *at, char *text, size_t room) {
    static const char *const words[] = {"Nothing restores this file.", "Queued.", "Running.", "Done.", "Failed.", "Paused.",
                                        "Refused."};
    if (at->trust == TRUST_NO)
        snprintf(text, room, "The Answerprint folder belongs to another user, or others can reach it. Run: answerprint doctor");
    else if (!state->there && at->trust == TRUST_ABSENT)
        snprintf(text, room, "The Answerprint daemon is not running. Run: answerprint daemon start");
    else if (!state->there)
        snprintf(text, room, "The daemon has not answered yet. Move by a frame, then press Refresh.");
    else if (state->state == STATE_RUNNING)
        snprintf(text, room, "%u %% done. %s", (unsigned)state->progress / 100, state->text);
    else
        snprintf(text, room, "%s %s", words[state->state], state->text);
    size_t used = strlen(text);
    bool fitted = state->there && state->fits && at->trust != TRUST_NO && state->residual >= 0 && state->residual < 1;
    if (fitted) snprintf(text + used, room - used, " Colours match within %.1f of 1023 codes.", (double)state->residual * 1023);
}

/* Only called in actions in which a host lets an effect set its parameters. */
void show_status(Instance *self, const char *said) {
    char path[MAX_PATH_BYTES + 1], text[sizeof((RestoreState *)0)->text + 256];
    bool offset;
    Wanted wanted = {.path = path, .job = int_at(self, PARAM_RESTORATION, 0)};
    wanted.path_bytes = source_file(self, path, &offset);
    wanted.width = atomic_load(&self->width), wanted.height = atomic_load(&self->height);
    if (said) {
        snprintf(text, sizeof text, "%s", said);
    } else if (!wanted.path_bytes) {
        snprintf(text, sizeof text, "Choose the media file under Source file: this host does not say which one it is.");
    } else {
        Rendezvous at;
        RestoreState state;
        read_rendezvous(&at);
        read_state(at.cache, &wanted, &state);
        describe_state(&state, &at, text, sizeof text);
    }
    host.parameter->paramSetValue(self->params[PARAM_STATUS], text);
}
