/* The entry of the plugin, and all actions but Render. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "effect.h"

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

Host host;

int get_int(OfxPropertySetHandle set, const char *name, int otherwise) {
    int value;
    return set && !host.property->getInt(set, name, 0, &value) ? value : otherwise;
}

const char *get_string(OfxPropertySetHandle set, const char *name) {
    char *value = NULL;
    return set && !host.property->getString(set, name, 0, &value) ? value : NULL;
}

Instance *instance_of(OfxEffectHandle handle) {
    OfxPropertySetHandle set;
    void *data = NULL;
    if (host.effect->getPropertySet(handle, &set) || host.property->getPointer(set, OFX_INSTANCE_DATA, 0, &data)) return NULL;
    return data;
}

double double_at(const Instance *self, Param param, double time) {
    double value = 0;
    return host.parameter->paramGetValueAtTime(self->params[param], time, &value) || !isfinite(value) ? 0 : value;
}

int int_at(const Instance *self, Param param, double time) {
    int value = 0;
    return host.parameter->paramGetValueAtTime(self->params[param], time, &value) ? 0 : value;
}

bool wipe_position(const Instance *self, double time, OfxPointD *position, bool *fraction) {
    if (host.parameter->paramGetValueAtTime(self->params[PARAM_WIPE_POSITION], time, &position->x, &position->y)) return false;
    if (!isfinite(position->x) || !isfinite(position->y)) return false;
    /* Some hosts take the default for pixels; in none does the border lie within the first pixel. */
    bool default_as_it_is = position->x > 0 && position->x < 1 && position->y > 0 && position->y < 1;
    *fraction = self->position_is_fraction || default_as_it_is;
    return true;
}

int64_t whole(double value) {
    const double most = 4503599627370496.0; /* 2^52: beyond, a double has no halves */
    if (!(value > -most)) return value < 0 ? -(int64_t)most : 0;
    return value < most ? (int64_t)floor(value + 0.5) : (int64_t)most;
}

/* Where the input begins, in the host's time; 0 if the host does not know. */
static int64_t first_of_input(const Instance *self) {
    double range[2] = {0, 0};
    if (host.property->getDoubleN(self->source_properties, OFX_FRAME_RANGE, 2, range)) return 0;
    return range[0] <= range[1] && fabs(range[0]) < 1e8 ? whole(range[0]) : 0;
}

int64_t frame_by_offset(const Instance *self, double time) {
    return whole(time) - first_of_input(self) + int_at(self, PARAM_OFFSET, time);
}

static uint32_t copy_path(const char *from, char *text) {
    size_t length = from ? strnlen(from, MAX_PATH_BYTES + 1) : 0;
    if (length > MAX_PATH_BYTES) length = 0;
    if (length) memcpy(text, from, length);
    text[length] = 0;
    return (uint32_t)length;
}

uint32_t source_file(const Instance *self, char *text, bool *offset) {
    char *named = NULL;
    if (host.parameter->paramGetValue(self->params[PARAM_FILE], &named)) named = NULL;
    uint32_t length = copy_path(named, text);
    *offset = length > 0;
    if (!length) length = copy_path(get_string(self->properties, RESOLVE_FILE), text);
    if (!length) length = copy_path(get_string(self->source_properties, RESOLVE_FILE), text);
    return length;
}

static OfxStatus load(void) {
    if (!host.host || !host.host->fetchSuite) return OFX_MISSING_HOST_FEATURE;
    OfxPropertySetHandle properties = host.host->host;
    host.property = host.host->fetchSuite(properties, OFX_PROPERTY_SUITE, 1);
    host.effect = host.host->fetchSuite(properties, OFX_IMAGE_EFFECT_SUITE, 1);
    host.parameter = host.host->fetchSuite(properties, OFX_PARAMETER_SUITE, 1);
    host.threads = host.host->fetchSuite(properties, OFX_MULTI_THREAD_SUITE, 1);
    host.interact = host.host->fetchSuite(properties, OFX_INTERACT_SUITE, 1);
    host.draw = host.host->fetchSuite(properties, OFX_DRAW_SUITE, 1);
    if (!host.property || !host.effect || !host.parameter) return OFX_MISSING_HOST_FEATURE;
    pixels_load();
    daemon_load();
    return OFX_OK;
}

static OfxStatus fill_instance(Instance *self, OfxEffectHandle handle) {
    OfxParamSetHandle params;
    OfxPropertySetHandle position;
    self->handle = handle;
    if (host.effect->getPropertySet(handle, &self->properties) || host.effect->getParamSet(handle, &params)) return OFX_FAILED;
    if (host.effect->clipGetHandle(handle, "Source", &self->source, &self->source_properties)) return OFX_FAILED;
    if (host.effect->clipGetHandle(handle, "Output", &self->output, NULL)) return OFX_FAILED;
    for (Param i = 0; i < PARAMS; i++)
        if (host.parameter->paramGetHandle(params, param_name(i), &self->params[i], NULL)) return OFX_FAILED;
    if (host.parameter->paramGetPropertySet(self->params[PARAM_WIPE_POSITION], &position)) return OFX_FAILED;
    const char *type = get_string(position, OFX_PARAM_DOUBLE_TYPE);
    self->position_is_fraction = type && !strcmp(type, OFX_NORMALISED_XY_ABSOLUTE);
    atomic_store(&self->sequence, -1);
    return host.property->setPointer(self->properties, OFX_INSTANCE_DATA, 0, self) ? OFX_FAILED : OFX_OK;
}

static OfxStatus create_instance(OfxEffectHandle handle) {
    Instance *self = calloc(1, sizeof *self);
    if (!self) return OFX_MEMORY;
    if (fill_instance(self, handle)) {
        free(self);
        return OFX_FAILED;
    }
    enable_params(self);
    show_status(self, NULL);
    return OFX_OK;
}

static OfxStatus destroy_instance(Instance *self) {
    host.property->setPointer(self->properties, OFX_INSTANCE_DATA, 0, NULL);
    free(self);
    return OFX_OK;
}

/* The range of the input in the frames of the file; nothing if it is not known how they lie, as in hosts whose range is
   not in the time of the effect: then the last render is not within it. */
static void range_of_clip(const Instance *self, bool offset, Question *question) {
    double range[2], time = (double)atomic_load(&self->time);
    if (!offset && !atomic_load(&self->time_is_known)) return;
    if (host.property->getDoubleN(self->source_properties, OFX_FRAME_RANGE, 2, range)) return;
    if (!(range[0] < range[1]) || !(fabs(range[0]) < 1e8) || !(fabs(range[1]) < 1e8)) return;
    if (!offset && (time < range[0] || time > range[1])) return;
    int64_t shift = offset ? frame_by_offset(self, 0) : atomic_load(&self->time_to_frame);
    question->first = whole(range[0]) + shift;
    question->stop = whole(range[1]) + shift + 1;
}

static void restore_clip(Instance *self) {
    char path[MAX_PATH_BYTES + 1];
    bool offset, sent = false;
    Rendezvous at;
    Question question = {.kind = KIND_RESTORE, .path = path};
    question.path_bytes = source_file(self, path, &offset);
    if (!question.path_bytes) {
        show_status(self, NULL);
        return;
    }
    question.flags = offset ? MESSAGE_FLAG_OFFSET : 0;
    question.width = atomic_load(&self->width), question.height = atomic_load(&self->height);
    if (!question.width || !question.height) question.width = question.height = 1; /* nothing was rendered yet */
    range_of_clip(self, offset, &question);
    read_rendezvous(&at);
    /* A click may take a moment, which a render must not. */
    for (int attempt = 0; !sent && attempt < 40 && at.trust == TRUST_YES; attempt++) {
        if (attempt) sleep_ms(5);
        sent = ask_daemon(&at, &question);
        if (!sent && daemon_is_silent()) break;
    }
    if (sent) show_status(self, "The daemon was asked to restore this clip. Refresh shows how far it is.");
    else if (at.trust == TRUST_YES) show_status(self, "The Answerprint daemon does not answer. Run: answerprint doctor");
    else show_status(self, NULL);
}

static OfxStatus instance_changed(Instance *self, OfxPropertySetHandle in) {
    const char *reason = get_string(in, OFX_CHANGE_REASON), *name = get_string(in, OFX_NAME), *type = get_string(in, OFX_TYPE);
    if (!reason || !name || !type || strcmp(reason, OFX_USER_EDITED) || strcmp(type, OFX_TYPE_PARAMETER)) return OFX_REPLY_DEFAULT;
    if (!strcmp(name, param_name(PARAM_RESTORE))) {
        restore_clip(self);
    } else if (!strcmp(name, param_name(PARAM_REFRESH))) {
        int next = (int_at(self, PARAM_GENERATION, 0) + 1) & 0xffffff;
        show_status(self, NULL);
        host.parameter->paramSetValue(self->params[PARAM_GENERATION], next);
    } else if (!strcmp(name, param_name(PARAM_SHOW))) {
        enable_params(self);
    } else if (!strcmp(name, param_name(PARAM_FILE)) || !strcmp(name, param_name(PARAM_RESTORATION))) {
        show_status(self, NULL);
    } else {
        return OFX_REPLY_DEFAULT;
    }
    return OFX_OK;
}

static OfxStatus is_identity(const Instance *self, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    double time;
    if (host.property->getDouble(in, OFX_TIME, 0, &time)) return OFX_REPLY_DEFAULT;
    int show = int_at(self, PARAM_SHOW, time);
    bool source = show == SHOW_SOURCE || (show != SHOW_DIFFERENCE && !(double_at(self, PARAM_STRENGTH, time) > 0));
    if (!source) return OFX_REPLY_DEFAULT;
    host.property->setString(out, OFX_NAME, 0, "Source");
    host.property->setDouble(out, OFX_TIME, 0, time);
    return OFX_OK;
}

/* The output is as large as the source, of which the whole picture is needed: only a whole one can be compared. */
static OfxStatus set_region(const Instance *self, OfxPropertySetHandle in, OfxPropertySetHandle out, const char *name) {
    double time;
    OfxRectD region;
    if (host.property->getDouble(in, OFX_TIME, 0, &time)) return OFX_REPLY_DEFAULT;
    if (host.effect->clipGetRegionOfDefinition(self->source, time, &region)) return OFX_REPLY_DEFAULT;
    double values[4] = {region.x1, region.y1, region.x2, region.y2};
    return host.property->setDoubleN(out, name, 4, values) ? OFX_FAILED : OFX_OK;
}

static OfxStatus set_frames(OfxPropertySetHandle in, OfxPropertySetHandle out) {
    double range[2];
    if (host.property->getDouble(in, OFX_TIME, 0, range)) return OFX_REPLY_DEFAULT;
    range[1] = range[0];
    return host.property->setDoubleN(out, OFX_FRAME_RANGE_SOURCE, 2, range) ? OFX_FAILED : OFX_OK;
}

static OfxStatus act(const char *action, Instance *self, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    if (!strcmp(action, OFX_RENDER)) return render_frame(self, in);
    if (!strcmp(action, OFX_IS_IDENTITY)) return is_identity(self, in, out);
    if (!strcmp(action, OFX_GET_DEFINITION)) return set_region(self, in, out, OFX_DEFINITION);
    if (!strcmp(action, OFX_GET_INTEREST)) return set_region(self, in, out, OFX_INTEREST_SOURCE);
    if (!strcmp(action, OFX_GET_FRAMES)) return set_frames(in, out);
    if (!strcmp(action, OFX_CHANGED)) return instance_changed(self, in);
    if (!strcmp(action, OFX_DESTROY)) return destroy_instance(self);
    if (!strcmp(action, OFX_GET_PREFERENCES)) /* frames get finished while nothing else changes */
        return host.property->setInt(out, OFX_FRAME_VARYING, 0, 1) ? OFX_FAILED : OFX_OK;
    if (!strcmp(action, OFX_GET_COLOURSPACE)) /* restored frames are in the colours of what they are compared with */
        return host.property->setString(out, OFX_COLOURSPACE, 0, OFX_COLOURSPACE_OF_SOURCE) ? OFX_FAILED : OFX_OK;
    if (!strcmp(action, OFX_BEGIN_SEQUENCE)) {
        atomic_store(&self->sequence, get_int(in, OFX_IS_INTERACTIVE, -1));
        return OFX_OK;
    }
    if (!strcmp(action, OFX_END_SEQUENCE)) {
        atomic_store(&self->sequence, -1);
        return OFX_OK;
    }
    return OFX_REPLY_DEFAULT;
}

static OfxStatus main_entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    OfxEffectHandle effect = (OfxEffectHandle)handle;
    if (!strcmp(action, OFX_LOAD)) return load();
    if (!host.property) return OFX_MISSING_HOST_FEATURE;
    if (!strcmp(action, OFX_UNLOAD)) {
        daemon_unload();
        return OFX_OK;
    }
    if (!effect) return OFX_REPLY_DEFAULT;
    if (!strcmp(action, OFX_DESCRIBE)) return describe_effect(effect);
    if (!strcmp(action, OFX_DESCRIBE_IN_CONTEXT)) return describe_in_context(effect);
    if (!strcmp(action, OFX_CREATE)) return create_instance(effect);
    Instance *self = instance_of(effect);
    return self ? act(action, self, in, out) : OFX_REPLY_DEFAULT;
}

static void set_host(OfxHost *given) { host.host = given; }

static OfxPlugin plugin = {OFX_API, 1, PLUGIN_IDENTIFIER, PLUGIN_MAJOR, PLUGIN_MINOR, set_host, main_entry};

EXPORT int OfxGetNumberOfPlugins(void);
EXPORT OfxPlugin *OfxGetPlugin(int nth);
EXPORT OfxStatus OfxSetHost(OfxHost *given);

EXPORT int OfxGetNumberOfPlugins(void) { return 1; }

EXPORT OfxPlugin *OfxGetPlugin(int nth) { return nth == 0 ? &plugin : NULL; }

EXPORT OfxStatus OfxSetHost(OfxHost *given) {
    set_host(given);
    return OFX_OK;
}
