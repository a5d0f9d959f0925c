/* A small plugin for the host's own tests: it multiplies by the parameter gain. The parameter breach makes it break one
   rule of the standard, so that a test can see that the host notices. It shares nothing with the plugin of the product
   but the binary interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openfx.h"

enum {
    NONE,
    UNKNOWN_PROPERTY,
    WRONG_TYPE,
    WRONG_INDEX,
    READ_ONLY_PROPERTY,
    SET_PARAMETER_IN_RENDER,
    KEEP_IMAGE,
    RELEASE_TWICE,
    WRITE_SOURCE,
    WRITE_OUTSIDE,
    LEAVE_PIXELS,
    TIME_NOT_ASKED,
    KEEP_MEMORY,
    KEEP_IMAGE_MEMORY,
    KEEP_MUTEX,
    CHANGE_LOOP,
    UNKNOWN_CLIP,
    UNKNOWN_PARAMETER,
    DESCRIBE_LATE,
    IMAGE_IN_IDENTITY,
    STALE_HANDLE,
    WRONG_COUNT,
    FOREIGN_MEMORY,
    SECRET_IN_RENDER,
    QUESTION_IN_RENDER,
};

static OfxHost *host;
static const OfxPropertySuiteV1 *props;
static const OfxImageEffectSuiteV1 *effects;
static const OfxParameterSuiteV1 *params;
static const OfxMemorySuiteV1 *memory;
static const OfxMultiThreadSuiteV1 *threads;
static const OfxMessageSuiteV2 *messages;
static const OfxDrawSuiteV1 *drawing;

static int breach_of(OfxImageEffectHandle effect) {
    OfxParamSetHandle set;
    OfxParamHandle param;
    int breach = 0;
    effects->getParamSet(effect, &set);
    if (params->paramGetHandle(set, "breach", &param, NULL) == StatOK) params->paramGetValue(param, &breach);
    return breach;
}

static OfxStatus load(void) {
    if (!host) return StatErrMissingHostFeature;
    props = host->fetchSuite(host->host, "OfxPropertySuite", 1);
    effects = host->fetchSuite(host->host, "OfxImageEffectSuite", 1);
    params = host->fetchSuite(host->host, "OfxParameterSuite", 1);
    memory = host->fetchSuite(host->host, "OfxMemorySuite", 1);
    threads = host->fetchSuite(host->host, "OfxMultiThreadSuite", 1);
    messages = host->fetchSuite(host->host, "OfxMessageSuite", 2);
    drawing = host->fetchSuite(host->host, "OfxDrawSuite", 1);
    return props && effects && params ? StatOK : StatErrMissingHostFeature;
}

static OfxStatus overlay(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    (void)handle, (void)out;
    if (strcmp(action, "OfxInteractActionDraw") != 0 || !drawing) return StatReplyDefault;
    void *context;
    const OfxPointD line[2] = {{0, 0}, {10, 10}};
    if (props->propGetPointer(in, "OfxInteractPropDrawContext", 0, &context) != StatOK) return StatFailed;
    return drawing->draw(context, 0, line, 2);
}

static OfxStatus describe(OfxImageEffectHandle effect) {
    OfxPropertySetHandle p;
    OfxStatus (*entry)(const char *, const void *, OfxPropertySetHandle, OfxPropertySetHandle) = overlay;
    effects->getPropertySet(effect, &p);
    props->propSetString(p, "OfxPropLabel", 0, "Sample");
    props->propSetString(p, "OfxImageEffectPluginPropGrouping", 0, "Test");
    props->propSetString(p, "OfxImageEffectPropSupportedContexts", 0, "OfxImageEffectContextFilter");
    props->propSetString(p, "OfxImageEffectPropSupportedContexts", 1, "OfxImageEffectContextGeneral");
    props->propSetString(p, "OfxImageEffectPropSupportedPixelDepths", 0, "OfxBitDepthFloat");
    props->propSetString(p, "OfxImageEffectPluginRenderThreadSafety", 0, "OfxImageEffectRenderFullySafe");
    props->propSetInt(p, "OfxImageEffectPropTemporalClipAccess", 0, 1);
    props->propSetPointer(p, "OfxImageEffectPluginPropOverlayInteractV2", 0, *(void **)&entry);
    return StatOK;
}

static OfxStatus describe_in_context(OfxImageEffectHandle effect) {
    static const char *const clips[] = {"Source", "Output"};
    OfxPropertySetHandle p;
    OfxParamSetHandle set;
    for (int i = 0; i < 2; i++) {
        effects->clipDefine(effect, clips[i], &p);
        props->propSetString(p, "OfxImageEffectPropSupportedComponents", 0, "OfxImageComponentRGBA");
        props->propSetInt(p, "OfxImageEffectPropTemporalClipAccess", 0, i == 0);
    }
    effects->getParamSet(effect, &set);
    params->paramDefine(set, "OfxParamTypeDouble", "gain", &p);
    props->propSetDouble(p, "OfxParamPropDefault", 0, 2);
    props->propSetDouble(p, "OfxParamPropMax", 0, 16);
    params->paramDefine(set, "OfxParamTypeInteger", "breach", &p);
    params->paramDefine(set, "OfxParamTypeString", "note", &p);
    params->paramDefine(set, "OfxParamTypeRGB", "tint", &p);
    return StatOK;
}

static void set_note(OfxImageEffectHandle effect) {
    OfxParamSetHandle set;
    OfxParamHandle param;
    effects->getParamSet(effect, &set);
    if (params->paramGetHandle(set, "note", &param, NULL) == StatOK) params->paramSetValue(param, "changed");
}

static void break_a_rule(int breach, OfxImageEffectHandle effect, OfxPropertySetHandle in) {
    OfxPropertySetHandle p;
    OfxParamSetHandle set;
    OfxParamHandle param;
    OfxImageClipHandle clip;
    OfxImageMemoryHandle block;
    OfxMutexHandle mutex;
    int number;
    int numbers[3];
    double decimal;
    void *bytes;
    effects->getPropertySet(effect, &p);
    effects->getParamSet(effect, &set);
    switch (breach) {
    case UNKNOWN_PROPERTY:
        props->propGetInt(p, "OfxImageEffectPropNoSuchThing", 0, &number);
        break;
    case WRONG_TYPE:
        props->propGetInt(in, "OfxPropTime", 0, &number);
        break;
    case WRONG_INDEX:
        props->propGetDouble(in, "OfxPropTime", 1, &decimal);
        break;
    case WRONG_COUNT:
        props->propGetIntN(in, "OfxImageEffectPropRenderWindow", 3, numbers);
        break;
    case READ_ONLY_PROPERTY:
        props->propSetDouble(in, "OfxPropTime", 0, 1);
        break;
    case SET_PARAMETER_IN_RENDER:
        set_note(effect);
        break;
    case SECRET_IN_RENDER:
        params->paramGetHandle(set, "note", &param, &p);
        props->propSetInt(p, "OfxParamPropSecret", 0, 1);
        break;
    case KEEP_MEMORY:
        memory->memoryAlloc(NULL, 10, &bytes);
        break;
    case FOREIGN_MEMORY:
        bytes = calloc(1, 128);
        memory->memoryFree((char *)bytes + 64);
        free(bytes);
        break;
    case KEEP_IMAGE_MEMORY:
        effects->imageMemoryAlloc(effect, 100, &block);
        break;
    case KEEP_MUTEX:
        threads->mutexCreate(&mutex, 0);
        break;
    case UNKNOWN_CLIP:
        effects->clipGetHandle(effect, "Matte", &clip, NULL);
        break;
    case UNKNOWN_PARAMETER:
        params->paramGetHandle(set, "none", &param, NULL);
        break;
    case DESCRIBE_LATE:
        params->paramDefine(set, "OfxParamTypeInteger", "late", NULL);
        break;
    case STALE_HANDLE:
        props->propGetDouble((OfxPropertySetHandle)(void *)effect, "OfxPropTime", 0, &decimal);
        break;
    case QUESTION_IN_RENDER:
        messages->message(effect, "OfxMessageQuestion", "id", "%s?", "really");
        break;
    default:
        break;
    }
}

typedef struct {
    OfxPropertySetHandle handle;
    char *data;
    int row_bytes, bounds[4];
} Picture;

static OfxStatus picture(OfxImageEffectHandle effect, const char *name, double time, Picture *picture) {
    OfxImageClipHandle clip;
    void *data;
    if (effects->clipGetHandle(effect, name, &clip, NULL) != StatOK) return StatFailed;
    if (effects->clipGetImage(clip, time, NULL, &picture->handle) != StatOK) return StatFailed;
    props->propGetPointer(picture->handle, "OfxImagePropData", 0, &data);
    props->propGetInt(picture->handle, "OfxImagePropRowBytes", 0, &picture->row_bytes);
    props->propGetIntN(picture->handle, "OfxImagePropBounds", 4, picture->bounds);
    picture->data = data;
    return StatOK;
}

static float *pixel(const Picture *picture, int x, int y) {
    return (float *)(picture->data + (long)(y - picture->bounds[1]) * picture->row_bytes) +
           (x - picture->bounds[0]) * 4;
}

static OfxStatus render(OfxImageEffectHandle effect, OfxPropertySetHandle in) {
    OfxParamSetHandle set;
    OfxParamHandle param;
    Picture source, output;
    double time, gain;
    int window[4], breach = breach_of(effect);
    props->propGetDouble(in, "OfxPropTime", 0, &time);
    props->propGetIntN(in, "OfxImageEffectPropRenderWindow", 4, window);
    effects->getParamSet(effect, &set);
    params->paramGetHandle(set, "gain", &param, NULL);
    params->paramGetValueAtTime(param, time, &gain);
    break_a_rule(breach, effect, in);
    if (picture(effect, "Source", breach == TIME_NOT_ASKED ? time + 7 : time, &source) != StatOK) return StatFailed;
    if (picture(effect, "Output", time, &output) != StatOK) return StatFailed;
    for (int y = window[1]; y < window[3] - (breach == LEAVE_PIXELS); y++)
        for (int x = window[0]; x < window[2]; x++)
            for (int i = 0; i < 4; i++) pixel(&output, x, y)[i] = pixel(&source, x, y)[i] * (i < 3 ? (float)gain : 1);
    if (breach == WRITE_OUTSIDE) pixel(&output, window[2] - 1, window[3] - 1)[4] = 1;
    if (breach == WRITE_SOURCE) pixel(&source, window[0], window[1])[0] += 1;
    if (breach != KEEP_IMAGE) effects->clipReleaseImage(source.handle);
    if (breach == RELEASE_TWICE) effects->clipReleaseImage(source.handle);
    effects->clipReleaseImage(output.handle);
    return StatOK;
}

static OfxStatus is_identity(OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    OfxParamSetHandle set;
    OfxParamHandle param;
    Picture source;
    double gain, time;
    effects->getParamSet(effect, &set);
    params->paramGetHandle(set, "gain", &param, NULL);
    params->paramGetValue(param, &gain);
    props->propGetDouble(in, "OfxPropTime", 0, &time);
    if (breach_of(effect) == IMAGE_IN_IDENTITY) picture(effect, "Source", time, &source);
    if (gain != 1) return StatReplyDefault;
    props->propSetString(out, "OfxPropName", 0, "Source");
    return StatOK;
}

static OfxStatus frames_needed(OfxPropertySetHandle in, OfxPropertySetHandle out) {
    double time;
    props->propGetDouble(in, "OfxPropTime", 0, &time);
    const double range[2] = {time - 1, time + 1};
    for (int i = 0; i < 2; i++) props->propSetDouble(out, "OfxImageClipPropFrameRange_Source", i, range[i]);
    return StatOK;
}

static OfxStatus changed(OfxImageEffectHandle effect, OfxPropertySetHandle in) {
    char *reason;
    props->propGetString(in, "OfxPropChangeReason", 0, &reason);
    if (strcmp(reason, "OfxChangeUserEdited") == 0 || breach_of(effect) == CHANGE_LOOP) set_note(effect);
    return StatOK;
}

static OfxStatus entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    OfxImageEffectHandle effect = (OfxImageEffectHandle)handle;
    if (strcmp(action, "OfxActionLoad") == 0) return load();
    if (strcmp(action, "OfxActionDescribe") == 0) return describe(effect);
    if (strcmp(action, "OfxImageEffectActionDescribeInContext") == 0) return describe_in_context(effect);
    if (strcmp(action, "OfxImageEffectActionRender") == 0) return render(effect, in);
    if (strcmp(action, "OfxImageEffectActionIsIdentity") == 0) return is_identity(effect, in, out);
    if (strcmp(action, "OfxImageEffectActionGetFramesNeeded") == 0) return frames_needed(in, out);
    if (strcmp(action, "OfxActionInstanceChanged") == 0) return changed(effect, in);
    return StatReplyDefault;
}

static void set_host(OfxHost *its) { host = its; }

static OfxPlugin plugin = {"OfxImageEffectPluginAPI", 1, "test.sample", 1, 0, set_host, entry};

__attribute__((visibility("default"))) int OfxGetNumberOfPlugins(void) { return 1; }
__attribute__((visibility("default"))) OfxPlugin *OfxGetPlugin(int index) { return index == 0 ? &plugin : NULL; }
