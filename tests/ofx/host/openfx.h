/* The part of OpenFX 1.5's binary interface that a host serves: structures and status codes, written from the published
   standard. The plugin has declarations of its own, so that a slip in one of the two shows. */
#ifndef HOST_OPENFX_H
#define HOST_OPENFX_H

#include <stddef.h>

typedef int OfxStatus;
enum {
    StatOK,
    StatFailed,
    StatErrFatal,
    StatErrUnknown,
    StatErrMissingHostFeature,
    StatErrUnsupported,
    StatErrExists,
    StatErrFormat,
    StatErrMemory,
    StatErrBadHandle,
    StatErrBadIndex,
    StatErrValue,
    StatReplyYes,
    StatReplyNo,
    StatReplyDefault
};

/* All handles are blind to the plugin. */
typedef struct PropertySet *OfxPropertySetHandle;
typedef struct Effect *OfxImageEffectHandle;
typedef struct Clip *OfxImageClipHandle;
typedef struct ImageMemory *OfxImageMemoryHandle;
typedef struct Param *OfxParamHandle;
typedef struct ParamSet *OfxParamSetHandle;
typedef struct Interact *OfxInteractHandle;
typedef struct Mutex *OfxMutexHandle;
typedef struct DrawContext *OfxDrawContextHandle;

typedef struct {
    double min, max;
} OfxRangeD;
typedef struct {
    double x1, y1, x2, y2;
} OfxRectD;
typedef struct {
    double x, y;
} OfxPointD;
typedef struct {
    float r, g, b, a;
} OfxRGBAColourF;

typedef struct {
    OfxPropertySetHandle host;
    const void *(*fetchSuite)(OfxPropertySetHandle host, const char *name, int version);
} OfxHost;

typedef OfxStatus (*OfxPluginEntryPoint)(const char *action, const void *handle, OfxPropertySetHandle in,
                                         OfxPropertySetHandle out);

typedef struct {
    const char *pluginApi;
    int apiVersion;
    const char *pluginIdentifier;
    unsigned int pluginVersionMajor;
    unsigned int pluginVersionMinor;
    void (*setHost)(OfxHost *host);
    OfxPluginEntryPoint mainEntry;
} OfxPlugin;

typedef struct {
    OfxStatus (*propSetPointer)(OfxPropertySetHandle, const char *, int, void *);
    OfxStatus (*propSetString)(OfxPropertySetHandle, const char *, int, const char *);
    OfxStatus (*propSetDouble)(OfxPropertySetHandle, const char *, int, double);
    OfxStatus (*propSetInt)(OfxPropertySetHandle, const char *, int, int);
    OfxStatus (*propSetPointerN)(OfxPropertySetHandle, const char *, int, void *const *);
    OfxStatus (*propSetStringN)(OfxPropertySetHandle, const char *, int, const char *const *);
    OfxStatus (*propSetDoubleN)(OfxPropertySetHandle, const char *, int, const double *);
    OfxStatus (*propSetIntN)(OfxPropertySetHandle, const char *, int, const int *);
    OfxStatus (*propGetPointer)(OfxPropertySetHandle, const char *, int, void **);
    OfxStatus (*propGetString)(OfxPropertySetHandle, const char *, int, char **);
    OfxStatus (*propGetDouble)(OfxPropertySetHandle, const char *, int, double *);
    OfxStatus (*propGetInt)(OfxPropertySetHandle, const char *, int, int *);
    OfxStatus (*propGetPointerN)(OfxPropertySetHandle, const char *, int, void **);
    OfxStatus (*propGetStringN)(OfxPropertySetHandle, const char *, int, char **);
    OfxStatus (*propGetDoubleN)(OfxPropertySetHandle, const char *, int, double *);
    OfxStatus (*propGetIntN)(OfxPropertySetHandle, const char *, int, int *);
    OfxStatus (*propReset)(OfxPropertySetHandle, const char *);
    OfxStatus (*propGetDimension)(OfxPropertySetHandle, const char *, int *);
} OfxPropertySuiteV1;

typedef struct {
    OfxStatus (*getPropertySet)(OfxImageEffectHandle, OfxPropertySetHandle *);
    OfxStatus (*getParamSet)(OfxImageEffectHandle, OfxParamSetHandle *);
    OfxStatus (*clipDefine)(OfxImageEffectHandle, const char *, OfxPropertySetHandle *);
    OfxStatus (*clipGetHandle)(OfxImageEffectHandle, const char *, OfxImageClipHandle *, OfxPropertySetHandle *);
    OfxStatus (*clipGetPropertySet)(OfxImageClipHandle, OfxPropertySetHandle *);
    OfxStatus (*clipGetImage)(OfxImageClipHandle, double, const OfxRectD *, OfxPropertySetHandle *);
    OfxStatus (*clipReleaseImage)(OfxPropertySetHandle);
    OfxStatus (*clipGetRegionOfDefinition)(OfxImageClipHandle, double, OfxRectD *);
    int (*abort)(OfxImageEffectHandle);
    OfxStatus (*imageMemoryAlloc)(OfxImageEffectHandle, size_t, OfxImageMemoryHandle *);
    OfxStatus (*imageMemoryFree)(OfxImageMemoryHandle);
    OfxStatus (*imageMemoryLock)(OfxImageMemoryHandle, void **);
    OfxStatus (*imageMemoryUnlock)(OfxImageMemoryHandle);
} OfxImageEffectSuiteV1;

typedef struct {
    OfxStatus (*paramDefine)(OfxParamSetHandle, const char *, const char *, OfxPropertySetHandle *);
    OfxStatus (*paramGetHandle)(OfxParamSetHandle, const char *, OfxParamHandle *, OfxPropertySetHandle *);
    OfxStatus (*paramSetGetPropertySet)(OfxParamSetHandle, OfxPropertySetHandle *);
    OfxStatus (*paramGetPropertySet)(OfxParamHandle, OfxPropertySetHandle *);
    OfxStatus (*paramGetValue)(OfxParamHandle, ...);
    OfxStatus (*paramGetValueAtTime)(OfxParamHandle, double, ...);
    OfxStatus (*paramGetDerivative)(OfxParamHandle, double, ...);
    OfxStatus (*paramGetIntegral)(OfxParamHandle, double, double, ...);
    OfxStatus (*paramSetValue)(OfxParamHandle, ...);
    OfxStatus (*paramSetValueAtTime)(OfxParamHandle, double, ...);
    OfxStatus (*paramGetNumKeys)(OfxParamHandle, unsigned int *);
    OfxStatus (*paramGetKeyTime)(OfxParamHandle, unsigned int, double *);
    OfxStatus (*paramGetKeyIndex)(OfxParamHandle, double, int, int *);
    OfxStatus (*paramDeleteKey)(OfxParamHandle, double);
    OfxStatus (*paramDeleteAllKeys)(OfxParamHandle);
    OfxStatus (*paramCopy)(OfxParamHandle, OfxParamHandle, double, const OfxRangeD *);
    OfxStatus (*paramEditBegin)(OfxParamSetHandle, const char *);
    OfxStatus (*paramEditEnd)(OfxParamSetHandle);
} OfxParameterSuiteV1;

typedef struct {
    OfxStatus (*memoryAlloc)(void *, size_t, void **);
    OfxStatus (*memoryFree)(void *);
} OfxMemorySuiteV1;

typedef void(OfxThreadFunctionV1)(unsigned int index, unsigned int count, void *argument);
typedef struct {
    OfxStatus (*multiThread)(OfxThreadFunctionV1, unsigned int, void *);
    OfxStatus (*multiThreadNumCPUs)(unsigned int *);
    OfxStatus (*multiThreadIndex)(unsigned int *);
    int (*multiThreadIsSpawnedThread)(void);
    OfxStatus (*mutexCreate)(OfxMutexHandle *, int);
    OfxStatus (*mutexDestroy)(OfxMutexHandle);
    OfxStatus (*mutexLock)(OfxMutexHandle);
    OfxStatus (*mutexUnLock)(OfxMutexHandle);
    OfxStatus (*mutexTryLock)(OfxMutexHandle);
} OfxMultiThreadSuiteV1;

typedef struct {
    OfxStatus (*message)(void *, const char *, const char *, const char *, ...);
    OfxStatus (*setPersistentMessage)(void *, const char *, const char *, const char *, ...); /* from version 2 on */
    OfxStatus (*clearPersistentMessage)(void *);
} OfxMessageSuiteV2;

typedef struct {
    OfxStatus (*interactSwapBuffers)(OfxInteractHandle);
    OfxStatus (*interactRedraw)(OfxInteractHandle);
    OfxStatus (*interactGetPropertySet)(OfxInteractHandle, OfxPropertySetHandle *);
} OfxInteractSuiteV1;

typedef struct {
    OfxStatus (*getColour)(OfxDrawContextHandle, int, OfxRGBAColourF *);
    OfxStatus (*setColour)(OfxDrawContextHandle, const OfxRGBAColourF *);
    OfxStatus (*setLineWidth)(OfxDrawContextHandle, float);
    OfxStatus (*setLineStipple)(OfxDrawContextHandle, int);
    OfxStatus (*draw)(OfxDrawContextHandle, int, const OfxPointD *, int);
    OfxStatus (*drawText)(OfxDrawContextHandle, const char *, const OfxPointD *, int);
} OfxDrawSuiteV1;

typedef struct {
    OfxStatus (*progressStart)(void *, const char *);
    OfxStatus (*progressUpdate)(void *, double);
    OfxStatus (*progressEnd)(void *);
} OfxProgressSuiteV1;

typedef struct {
    OfxStatus (*getTime)(void *, double *);
    OfxStatus (*gotoTime)(void *, double);
    OfxStatus (*getTimeBounds)(void *, double *, double *);
} OfxTimeLineSuiteV1;

#endif
