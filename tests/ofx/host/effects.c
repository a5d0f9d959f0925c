/* Effects, their clips and images, and the image effect suite. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

struct ImageMemory {
    int kind;
    Effect *effect;
    int locks;
    void *memory;
    ImageMemory *next;
};

static void take_over(PropertySet *to, const PropertySet *from) {
    for (int i = 0; i < from->count; i++) {
        const Property *property = &from->properties[i];
        Property *same = properties_find(to, property->name);
        if (!same || same->type != property->type || strcmp(same->name, "OfxPropType") == 0) continue;
        for (int value = 0; value < property->count; value++)
            properties_put(to, property->name, value, property->values[value]);
    }
}

static Clip *clip_new(Effect *effect, const char *name, const PropertyRow *rows) {
    Clip *clip = calloc(1, sizeof *clip);
    *clip = (Clip){.kind = CLIP, .effect = effect, .name = strdup(name)};
    properties_init(&clip->properties, effect->host, clip->name, rows);
    put_string(&clip->properties, "OfxPropName", 0, name);
    put_string(&clip->properties, "OfxPropLabel", 0, name);
    effect->clips[effect->clip_count++] = clip;
    return clip;
}

/* The description of a plugin (from: NULL), of one of its contexts (from the plugin's), or an instance (of a context).
 */
Effect *effect_new(Plugin *plugin, Effect *from, bool instance) {
    Effect *effect = calloc(1, sizeof *effect);
    *effect =
        (Effect){.kind = EFFECT, .instance = instance, .host = plugin->host, .plugin = plugin, .description = from};
    pthread_mutex_init(&effect->memory_lock, NULL);
    properties_init(&effect->properties, plugin->host, instance ? "instance" : "descriptor",
                    instance ? instance_rows : descriptor_rows);
    effect->params = (ParamSet){.kind = PARAM_SET, .effect = effect};
    properties_init(&effect->params.properties, plugin->host, "parameter set", param_set_rows);
    if (!from) return effect;
    take_over(&effect->properties, &from->properties);
    for (int i = 0; i < from->params.count; i++) param_instantiate(&effect->params, from->params.params[i]);
    for (int i = 0; i < from->clip_count; i++) {
        Clip *clip = clip_new(effect, from->clips[i]->name, clip_rows);
        take_over(&clip->properties, &from->clips[i]->properties);
        put_int(&clip->properties, "OfxImageClipPropConnected", 0, strcmp(clip->name, "Output") == 0);
    }
    return effect;
}

void effect_free(Effect *effect) {
    if (effect->memory) complain(effect->host, "image memory that was not freed");
    if (effect->params.edits) complain(effect->host, "paramEditBegin without paramEditEnd");
    params_free(&effect->params);
    for (int i = 0; i < effect->clip_count; i++) {
        Clip *clip = effect->clips[i];
        clip->kind = DEAD;
        properties_free(&clip->properties);
        free(clip->frames);
        free(clip->name);
        free(clip);
    }
    effect->kind = DEAD;
    properties_free(&effect->properties);
    pthread_mutex_destroy(&effect->memory_lock);
    free(effect);
}

Clip *clip_named(Effect *effect, const char *name) {
    for (int i = 0; i < effect->clip_count; i++)
        if (strcmp(effect->clips[i]->name, name) == 0) return effect->clips[i];
    return NULL;
}

uint64_t image_sum(const Image *image) {
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i + 8 <= image->size; i += 8) {
        uint64_t word;
        memcpy(&word, image->memory + i, sizeof word);
        sum = (sum ^ word) * 1099511628211u;
    }
    return sum;
}

/* After an action: whether its images were released, and its sources left alone. */
void images_check(Call *call) {
    for (Fetched *next, *each = call->images; each; each = next) {
        next = each->next;
        if (each->properties.kind == PROPERTIES) {
            complain(call->host, "an image of time %g was not released", each->image->time);
            properties_free(&each->properties);
        }
        if (call->host->verify && each->image != call->output && image_sum(each->image) != each->image->sum)
            complain(call->host, "the source image of time %g was written to", each->image->time);
        free(each);
    }
}

/* The suite. */

static Effect *effect_of(const char *what, Effect *effect) {
    if (effect && effect->kind == EFFECT) return effect;
    if (current_call()) complain(current_call()->host, "%s: not an effect", what);
    return NULL;
}

static Clip *clip_of(const char *what, Clip *clip) {
    if (clip && clip->kind == CLIP) return clip;
    if (current_call()) complain(current_call()->host, "%s: not a clip", what);
    return NULL;
}

static OfxStatus getPropertySet(Effect *effect, PropertySet **properties) {
    if (!effect_of(__func__, effect)) return StatErrBadHandle;
    *properties = &effect->properties;
    return StatOK;
}

static OfxStatus getParamSet(Effect *effect, ParamSet **params) {
    if (!effect_of(__func__, effect)) return StatErrBadHandle;
    *params = &effect->params;
    return StatOK;
}

static OfxStatus clipDefine(Effect *effect, const char *name, PropertySet **properties) {
    if (!effect_of(__func__, effect)) return StatErrBadHandle;
    if (effect->instance || !in_action("OfxImageEffectActionDescribeInContext")) {
        complain(effect->host, "%s(%s): only describe in context defines clips", __func__, name);
        return StatErrBadHandle;
    }
    if (clip_named(effect, name) || effect->clip_count == CLIPS_MAX) {
        complain(effect->host, "%s(%s): there already, or too many", __func__, name);
        return StatErrExists;
    }
    Clip *clip = clip_new(effect, name, clip_descriptor_rows);
    if (properties) *properties = &clip->properties;
    return StatOK;
}

static OfxStatus clipGetHandle(Effect *effect, const char *name, Clip **clip, PropertySet **properties) {
    if (!effect_of(__func__, effect)) return StatErrBadHandle;
    Clip *found = clip_named(effect, name);
    if (!effect->instance || !found) {
        complain(effect->host, "%s(%s): %s", __func__, name,
                 found ? "a description has no clips to get" : "no such clip");
        return found ? StatErrBadHandle : StatErrUnknown;
    }
    if (clip) *clip = found;
    if (properties) *properties = &found->properties;
    return StatOK;
}

static OfxStatus clipGetPropertySet(Clip *clip, PropertySet **properties) {
    if (!clip_of(__func__, clip)) return StatErrBadHandle;
    *properties = &clip->properties;
    return StatOK;
}

static Image *frame_at(const Clip *clip, double time) {
    for (int i = 0; i < clip->count; i++)
        if (clip->frames[i]->time == time) return clip->frames[i];
    return NULL;
}

static bool all_temporal(Clip *clip) {
    const char *name = "OfxImageEffectPropTemporalClipAccess";
    Effect *effect = clip->effect;
    return int_of(&effect->host->properties, name, 0) && int_of(&effect->description->properties, name, 0) &&
           int_of(&clip->properties, name, 0);
}

/* The image that the plugin asks for, if it may have it now. */
static Image *fetchable(Clip *clip, double time, const Call *call) {
    Host *host = clip->effect->host;
    if (!clip->effect->instance || !call || !call->images_allowed || call->effect != clip->effect) {
        complain(host, "clipGetImage(%s): no images in this action", clip->name);
        return NULL;
    }
    if (strcmp(clip->name, "Output") == 0) {
        if (time != call->time || !call->output)
            complain(host, "clipGetImage(Output, %g): the time is %g", time, call->time);
        return time == call->time ? call->output : NULL;
    }
    if (time != call->time && !all_temporal(clip))
        complain(host, "clipGetImage(%s, %g) at %g: host, plugin and clip must all say temporal access", clip->name,
                 time, call->time);
    if (call->frames_first <= call->frames_last && (time < call->frames_first || time > call->frames_last))
        complain(host, "clipGetImage(%s, %g): frames needed were %g to %g", clip->name, time, call->frames_first,
                 call->frames_last);
    return int_of(&clip->properties, "OfxImageClipPropConnected", 0) ? frame_at(clip, time) : NULL;
}

static Fetched *hand_out(Clip *clip, const Image *image) {
    const Layout *layout = &image->layout;
    Fetched *fetched = calloc(1, sizeof *fetched);
    PropertySet *p = &fetched->properties;
    properties_init(p, clip->effect->host, "image", image_rows);
    fetched->image = image;
    put_string(p, "OfxImageEffectPropPixelDepth", 0, layout->bytes == 2 ? "OfxBitDepthHalf" : "OfxBitDepthFloat");
    put_string(p, "OfxImageEffectPropPreMultiplication", 0, layout->premultiplication);
    put_string(p, "OfxImagePropField", 0, layout->field);
    put_double(p, "OfxImagePropPixelAspectRatio", 0, layout->aspect);
    put_pointer(p, "OfxImagePropData", 0, image->bottom);
    put_int(p, "OfxImagePropRowBytes", 0, (int)image->row_bytes);
    const int bounds[4] = {layout->x1, layout->y1, layout->x2, layout->y2};
    for (int i = 0; i < 4; i++) {
        put_int(p, "OfxImagePropBounds", i, bounds[i]);
        put_int(p, "OfxImagePropRegionOfDefinition", i, layout->region[i]);
        if (i < 2) put_double(p, "OfxImageEffectPropRenderScale", i, layout->scale[i]);
    }
    char id[64];
    snprintf(id, sizeof id, "%s-%.17g", clip->name, image->time);
    put_string(p, "OfxImagePropUniqueIdentifier", 0, id);
    return fetched;
}

static OfxStatus clipGetImage(Clip *clip, double time, const OfxRectD *region, PropertySet **properties) {
    (void)region;
    if (!clip_of(__func__, clip)) return StatErrBadHandle;
    Call *call = current_call();
    Image *image = fetchable(clip, time, call);
    if (!image) return StatFailed;
    Fetched *fetched = hand_out(clip, image);
    pthread_mutex_lock(&call->lock);
    fetched->next = call->images;
    call->images = fetched;
    pthread_mutex_unlock(&call->lock);
    *properties = &fetched->properties;
    return StatOK;
}

static OfxStatus clipReleaseImage(PropertySet *properties) {
    Call *call = current_call();
    Fetched *found = NULL;
    if (!call) return StatErrBadHandle;
    pthread_mutex_lock(&call->lock);
    for (Fetched *each = call->images; each; each = each->next)
        if (&each->properties == properties && properties->kind == PROPERTIES) found = each;
    if (found) properties_free(&found->properties);
    pthread_mutex_unlock(&call->lock);
    if (!found) complain(call->host, "%s: not an image of this action, or released before", __func__);
    return found ? StatOK : StatErrBadHandle;
}

static OfxStatus clipGetRegionOfDefinition(Clip *clip, double time, OfxRectD *bounds) {
    if (!clip_of(__func__, clip)) return StatErrBadHandle;
    if (!clip->effect->instance) complain(clip->effect->host, "%s(%s): a description has none", __func__, clip->name);
    const Image *image = frame_at(clip, time);
    if (!image && clip->count) image = clip->frames[0];
    if (!image) return StatFailed;
    const Layout *layout = &image->layout;
    double x = layout->aspect / layout->scale[0], y = 1 / layout->scale[1];
    *bounds = (OfxRectD){layout->region[0] * x, layout->region[1] * y, layout->region[2] * x, layout->region[3] * y};
    return StatOK;
}

static int abort_asked(Effect *effect) { return effect_of("abort", effect) ? effect->abort : 0; }

static OfxStatus imageMemoryAlloc(Effect *effect, size_t size, ImageMemory **memory) {
    if (!effect_of(__func__, effect)) return StatErrBadHandle;
    ImageMemory *fresh = calloc(1, sizeof *fresh);
    *fresh = (ImageMemory){.kind = MEMORY, .effect = effect, .memory = malloc(size), .next = NULL};
    pthread_mutex_lock(&effect->memory_lock);
    fresh->next = effect->memory;
    effect->memory = fresh;
    pthread_mutex_unlock(&effect->memory_lock);
    *memory = fresh;
    return StatOK;
}

static ImageMemory *memory_of(const char *what, ImageMemory *memory) {
    if (memory && memory->kind == MEMORY) return memory;
    if (current_call()) complain(current_call()->host, "%s: not image memory", what);
    return NULL;
}

static OfxStatus imageMemoryFree(ImageMemory *memory) {
    if (!memory_of(__func__, memory)) return StatErrBadHandle;
    if (memory->locks) complain(memory->effect->host, "%s: it is locked", __func__);
    pthread_mutex_lock(&memory->effect->memory_lock);
    for (ImageMemory **each = &memory->effect->memory; *each; each = &(*each)->next)
        if (*each == memory) {
            *each = memory->next;
            break;
        }
    pthread_mutex_unlock(&memory->effect->memory_lock);
    memory->kind = DEAD;
    free(memory->memory);
    free(memory);
    return StatOK;
}

static OfxStatus imageMemoryLock(ImageMemory *memory, void **pointer) {
    if (!memory_of(__func__, memory)) return StatErrBadHandle;
    memory->locks++;
    *pointer = memory->memory;
    return StatOK;
}

static OfxStatus imageMemoryUnlock(ImageMemory *memory) {
    if (!memory_of(__func__, memory)) return StatErrBadHandle;
    if (memory->locks) memory->locks--;
    return StatOK;
}

const OfxImageEffectSuiteV1 image_effect_suite = {
    getPropertySet,     getParamSet,      clipDefine,       clipGetHandle,
    clipGetPropertySet, clipGetImage,     clipReleaseImage, clipGetRegionOfDefinition,
    abort_asked,        imageMemoryAlloc, imageMemoryFree,  imageMemoryLock,
    imageMemoryUnlock,
};
