/* The part of the OpenFX C interface that the plugin uses, declared from the published standard (1.5).
   Names of the standard's strings are kept short: OFX_ and what they name. */
#ifndef ANSWERPRINT_OPENFX_H
#define ANSWERPRINT_OPENFX_H

#include <stddef.h>

typedef struct OfxPropertySet *OfxPropertySetHandle;
typedef struct OfxEffect *OfxEffectHandle;
typedef struct OfxClip *OfxClipHandle;
typedef struct OfxParam *OfxParamHandle;
typedef struct OfxParamSet *OfxParamSetHandle;
typedef struct OfxImageMemory *OfxImageMemoryHandle;
typedef struct OfxInteractInstance *OfxInteractHandle;
typedef struct OfxDrawContext *OfxDrawContextHandle;
typedef int OfxStatus;

enum { OFX_OK = 0, OFX_FAILED = 1, OFX_MISSING_HOST_FEATURE = 4, OFX_MEMORY = 8, OFX_BAD_HANDLE = 9, OFX_REPLY_DEFAULT = 14 };

typedef struct { double x1, y1, x2, y2; } OfxRectD;
typedef struct { int x1, y1, x2, y2; } OfxRectI;
typedef struct { double x, y; } OfxPointD;
typedef struct { float r, g, b, a; } OfxColourF;

typedef struct {
    OfxPropertySetHandle host;
    const void *(*fetchSuite)(OfxPropertySetHandle host, const char *name, int version);
} OfxHost;

typedef struct {
    const char *pluginApi;
    int apiVersion;
    const char *pluginIdentifier;
    unsigned int pluginVersionMajor, pluginVersionMinor;
    void (*setHost)(OfxHost *host);
    OfxStatus (*mainEntry)(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out);
} OfxPlugin;

typedef struct {
    OfxStatus (*setPointer)(OfxPropertySetHandle, const char *, int index, void *);
    OfxStatus (*setString)(OfxPropertySetHandle, const char *, int index, const char *);
    OfxStatus (*setDouble)(OfxPropertySetHandle, const char *, int index, double);
    OfxStatus (*setInt)(OfxPropertySetHandle, const char *, int index, int);
    OfxStatus (*setPointerN)(OfxPropertySetHandle, const char *, int count, void *const *);
    OfxStatus (*setStringN)(OfxPropertySetHandle, const char *, int count, const char *const *);
    OfxStatus (*setDoubleN)(OfxPropertySetHandle, const char *, int count, const double *);
    OfxStatus (*setIntN)(OfxPropertySetHandle, const char *, int count, const int *);
    OfxStatus (*getPointer)(OfxPropertySetHandle, const char *, int index, void **);
    OfxStatus (*getString)(OfxPropertySetHandle, const char *, int index, char **);
    OfxStatus (*getDouble)(OfxPropertySetHandle, const char *, int index, double *);
    OfxStatus (*getInt)(OfxPropertySetHandle, const char *, int index, int *);
    OfxStatus (*getPointerN)(OfxPropertySetHandle, const char *, int count, void **);
    OfxStatus (*getStringN)(OfxPropertySetHandle, const char *, int count, char **);
    OfxStatus (*getDoubleN)(OfxPropertySetHandle, const char *, int count, double *);
    OfxStatus (*getIntN)(OfxPropertySetHandle, const char *, int count, int *);
    OfxStatus (*reset)(OfxPropertySetHandle, const char *);
    OfxStatus (*getDimension)(OfxPropertySetHandle, const char *, int *);
} OfxPropertySuite;

typedef struct {
    OfxStatus (*getPropertySet)(OfxEffectHandle, OfxPropertySetHandle *);
    OfxStatus (*getParamSet)(OfxEffectHandle, OfxParamSetHandle *);
    OfxStatus (*clipDefine)(OfxEffectHandle, const char *, OfxPropertySetHandle *);
    OfxStatus (*clipGetHandle)(OfxEffectHandle, const char *, OfxClipHandle *, OfxPropertySetHandle *);
    OfxStatus (*clipGetPropertySet)(OfxClipHandle, OfxPropertySetHandle *);
    OfxStatus (*clipGetImage)(OfxClipHandle, double time, const OfxRectD *region, OfxPropertySetHandle *);
    OfxStatus (*clipReleaseImage)(OfxPropertySetHandle);
    OfxStatus (*clipGetRegionOfDefinition)(OfxClipHandle, double time, OfxRectD *);
    int (*abort)(OfxEffectHandle);
    OfxStatus (*imageMemoryAlloc)(OfxEffectHandle, size_t, OfxImageMemoryHandle *);
    OfxStatus (*imageMemoryFree)(OfxImageMemoryHandle);
    OfxStatus (*imageMemoryLock)(OfxImageMemoryHandle, void **);
    OfxStatus (*imageMemoryUnlock)(OfxImageMemoryHandle);
} OfxImageEffectSuite;

/* Only the functions up to paramSetValue are called; those after it are left out. */
typedef struct {
    OfxStatus (*paramDefine)(OfxParamSetHandle, const char *type, const char *name, OfxPropertySetHandle *);
    OfxStatus (*paramGetHandle)(OfxParamSetHandle, const char *name, OfxParamHandle *, OfxPropertySetHandle *);
    OfxStatus (*paramSetGetPropertySet)(OfxParamSetHandle, OfxPropertySetHandle *);
    OfxStatus (*paramGetPropertySet)(OfxParamHandle, OfxPropertySetHandle *);
    OfxStatus (*paramGetValue)(OfxParamHandle, ...);
    OfxStatus (*paramGetValueAtTime)(OfxParamHandle, double time, ...);
    OfxStatus (*paramGetDerivative)(OfxParamHandle, double time, ...);
    OfxStatus (*paramGetIntegral)(OfxParamHandle, double time1, double time2, ...);
    OfxStatus (*paramSetValue)(OfxParamHandle, ...);
} OfxParameterSuite;

/* Only the functions up to multiThreadIsSpawnedThread are called. */
typedef void OfxThreadFunction(unsigned int index, unsigned int count, void *argument);
typedef struct {
    OfxStatus (*multiThread)(OfxThreadFunction *, unsigned int count, void *argument);
    OfxStatus (*multiThreadNumCPUs)(unsigned int *);
    OfxStatus (*multiThreadIndex)(unsigned int *);
    int (*multiThreadIsSpawnedThread)(void);
} OfxMultiThreadSuite;

typedef struct {
    OfxStatus (*interactSwapBuffers)(OfxInteractHandle);
    OfxStatus (*interactRedraw)(OfxInteractHandle);
    OfxStatus (*interactGetPropertySet)(OfxInteractHandle, OfxPropertySetHandle *);
} OfxInteractSuite;

enum { OFX_DRAW_LINES = 0, OFX_DRAW_ELLIPSE = 5, OFX_COLOUR_ACTIVE = 1, OFX_COLOUR_SELECTED = 2 };
typedef struct {
    OfxStatus (*getColour)(OfxDrawContextHandle, int standard, OfxColourF *);
    OfxStatus (*setColour)(OfxDrawContextHandle, const OfxColourF *);
    OfxStatus (*setLineWidth)(OfxDrawContextHandle, float);
    OfxStatus (*setLineStipple)(OfxDrawContextHandle, int pattern);
    OfxStatus (*draw)(OfxDrawContextHandle, int primitive, const OfxPointD *, int count);
    OfxStatus (*drawText)(OfxDrawContextHandle, const char *, const OfxPointD *, int alignment);
} OfxDrawSuite;

#define OFX_API "OfxImageEffectPluginAPI"
#define OFX_PROPERTY_SUITE "OfxPropertySuite"
#define OFX_IMAGE_EFFECT_SUITE "OfxImageEffectSuite"
#define OFX_PARAMETER_SUITE "OfxParameterSuite"
#define OFX_MULTI_THREAD_SUITE "OfxMultiThreadSuite"
#define OFX_INTERACT_SUITE "OfxInteractSuite"
#define OFX_DRAW_SUITE "OfxDrawSuite"

#define OFX_LOAD "OfxActionLoad"
#define OFX_UNLOAD "OfxActionUnload"
#define OFX_DESCRIBE "OfxActionDescribe"
#define OFX_DESCRIBE_IN_CONTEXT "OfxImageEffectActionDescribeInContext"
#define OFX_CREATE "OfxActionCreateInstance"
#define OFX_DESTROY "OfxActionDestroyInstance"
#define OFX_CHANGED "OfxActionInstanceChanged"
#define OFX_IS_IDENTITY "OfxImageEffectActionIsIdentity"
#define OFX_GET_DEFINITION "OfxImageEffectActionGetRegionOfDefinition"
#define OFX_GET_INTEREST "OfxImageEffectActionGetRegionsOfInterest"
#define OFX_GET_FRAMES "OfxImageEffectActionGetFramesNeeded"
#define OFX_GET_PREFERENCES "OfxImageEffectActionGetClipPreferences"
#define OFX_GET_COLOURSPACE "OfxImageEffectActionGetOutputColourspace"
#define OFX_BEGIN_SEQUENCE "OfxImageEffectActionBeginSequenceRender"
#define OFX_END_SEQUENCE "OfxImageEffectActionEndSequenceRender"
#define OFX_RENDER "OfxImageEffectActionRender"
#define OFX_DRAW "OfxInteractActionDraw"
#define OFX_PEN_MOTION "OfxInteractActionPenMotion"
#define OFX_PEN_DOWN "OfxInteractActionPenDown"
#define OFX_PEN_UP "OfxInteractActionPenUp"

#define OFX_API_VERSION "OfxPropAPIVersion"
#define OFX_NAME "OfxPropName"
#define OFX_TYPE "OfxPropType"
#define OFX_LABEL "OfxPropLabel"
#define OFX_SHORT_LABEL "OfxPropShortLabel"
#define OFX_LONG_LABEL "OfxPropLongLabel"
#define OFX_TIME "OfxPropTime"
#define OFX_INSTANCE_DATA "OfxPropInstanceData"
#define OFX_IS_INTERACTIVE "OfxPropIsInteractive"
#define OFX_CHANGE_REASON "OfxPropChangeReason"
#define OFX_USER_EDITED "OfxChangeUserEdited"
#define OFX_TYPE_PARAMETER "OfxTypeParameter"
#define OFX_EFFECT_INSTANCE "OfxPropEffectInstance"
#define OFX_DESCRIPTION "OfxPropPluginDescription"

#define OFX_CONTEXTS "OfxImageEffectPropSupportedContexts"
#define OFX_CONTEXT_FILTER "OfxImageEffectContextFilter"
#define OFX_CONTEXT_GENERAL "OfxImageEffectContextGeneral"
#define OFX_DEPTHS "OfxImageEffectPropSupportedPixelDepths"
#define OFX_DEPTH "OfxImageEffectPropPixelDepth"
#define OFX_FLOAT "OfxBitDepthFloat"
#define OFX_HALF "OfxBitDepthHalf"
#define OFX_ALL_COMPONENTS "OfxImageEffectPropSupportedComponents"
#define OFX_COMPONENTS "OfxImageEffectPropComponents"
#define OFX_RGBA "OfxImageComponentRGBA"
#define OFX_GROUPING "OfxImageEffectPluginPropGrouping"
#define OFX_SINGLE_INSTANCE "OfxImageEffectPluginPropSingleInstance"
#define OFX_THREAD_SAFETY "OfxImageEffectPluginRenderThreadSafety"
#define OFX_FULLY_SAFE "OfxImageEffectRenderFullySafe"
#define OFX_FRAME_THREADING "OfxImageEffectPluginPropHostFrameThreading"
#define OFX_MULTI_RESOLUTION "OfxImageEffectPropSupportsMultiResolution"
#define OFX_TILES "OfxImageEffectPropSupportsTiles"
#define OFX_TEMPORAL "OfxImageEffectPropTemporalClipAccess"
#define OFX_RENDER_TWICE "OfxImageEffectPluginPropFieldRenderTwiceAlways"
#define OFX_MULTIPLE_DEPTHS "OfxImageEffectPropMultipleClipDepths"
#define OFX_MULTIPLE_ASPECTS "OfxImageEffectPropSupportsMultipleClipPARs"
#define OFX_OVERLAY_V2 "OfxImageEffectPluginPropOverlayInteractV2"
#define OFX_IS_BACKGROUND "OfxImageEffectHostPropIsBackground"
#define OFX_FIELD_EXTRACTION "OfxImageClipPropFieldExtraction"
#define OFX_FIELD "OfxImageEffectPropFieldToRender"
#define OFX_FIELD_BOTH "OfxFieldBoth"
#define OFX_FIELD_LOWER "OfxFieldLower"
#define OFX_FIELD_UPPER "OfxFieldUpper"
#define OFX_OPTIONAL "OfxImageClipPropOptional"
#define OFX_CONNECTED "OfxImageClipPropConnected"
#define OFX_FRAME_RANGE "OfxImageEffectPropFrameRange"
#define OFX_FRAME_RANGE_SOURCE "OfxImageClipPropFrameRange_Source"
#define OFX_INTEREST_SOURCE "OfxImageClipPropRoI_Source"
#define OFX_DEFINITION "OfxImageEffectPropRegionOfDefinition"
#define OFX_FRAME_VARYING "OfxImageEffectFrameVarying"
#define OFX_PREMULTIPLICATION "OfxImageEffectPropPreMultiplication"
#define OFX_PREMULTIPLIED "OfxImageAlphaPremultiplied"
#define OFX_OPAQUE "OfxImageOpaque"
#define OFX_RENDER_WINDOW "OfxImageEffectPropRenderWindow"
#define OFX_RENDER_SCALE "OfxImageEffectPropRenderScale"
#define OFX_INTERACTIVE_STATUS "OfxImageEffectPropInteractiveRenderStatus"
#define OFX_PIXEL_ASPECT "OfxImagePropPixelAspectRatio"
#define OFX_DATA "OfxImagePropData"
#define OFX_BOUNDS "OfxImagePropBounds"
#define OFX_IMAGE_DEFINITION "OfxImagePropRegionOfDefinition"
#define OFX_ROW_BYTES "OfxImagePropRowBytes"

#define OFX_COLOUR_STYLE "OfxImageEffectPropColourManagementStyle"
#define OFX_COLOUR_NONE "OfxImageEffectPropColourManagementNone"
#define OFX_COLOUR_FULL "OfxImageEffectPropColourManagementFull"
#define OFX_COLOUR_CONFIGS "OfxImageEffectPropColourManagementAvailableConfigs"
#define OFX_NATIVE_CONFIG "ofx-native-v1.5_aces-v1.3_ocio-v2.3"
#define OFX_COLOURSPACE "OfxImageClipPropColourspace"
#define OFX_COLOURSPACE_OF_SOURCE "OfxColourspace_Source"

/* DaVinci Resolve's own. */
#define RESOLVE_FILE "OfxImageEffectPropSrcFilePath"
#define RESOLVE_FRAME "OfxImageEffectPropSrcFrame"
#define RESOLVE_THUMBNAIL "kOfxImageClipPropThumbnail"

#define OFX_PARAM_DOUBLE "OfxParamTypeDouble"
#define OFX_PARAM_DOUBLE_2D "OfxParamTypeDouble2D"
#define OFX_PARAM_INTEGER "OfxParamTypeInteger"
#define OFX_PARAM_BOOLEAN "OfxParamTypeBoolean"
#define OFX_PARAM_CHOICE "OfxParamTypeChoice"
#define OFX_PARAM_STRING "OfxParamTypeString"
#define OFX_PARAM_BUTTON "OfxParamTypePushButton"
#define OFX_PARAM_GROUP "OfxParamTypeGroup"
#define OFX_PARAM_PAGE "OfxParamTypePage"
#define OFX_PARAM_PAGE_CHILD "OfxParamPropPageChild"
#define OFX_PARAM_HINT "OfxParamPropHint"
#define OFX_PARAM_PARENT "OfxParamPropParent"
#define OFX_PARAM_DEFAULT "OfxParamPropDefault"
#define OFX_PARAM_MIN "OfxParamPropMin"
#define OFX_PARAM_MAX "OfxParamPropMax"
#define OFX_PARAM_DISPLAY_MIN "OfxParamPropDisplayMin"
#define OFX_PARAM_DISPLAY_MAX "OfxParamPropDisplayMax"
#define OFX_PARAM_ANIMATES "OfxParamPropAnimates"
#define OFX_PARAM_SECRET "OfxParamPropSecret"
#define OFX_PARAM_ENABLED "OfxParamPropEnabled"
#define OFX_PARAM_EVALUATE "OfxParamPropEvaluateOnChange"
#define OFX_PARAM_PERSISTENT "OfxParamPropPersistant"
#define OFX_PARAM_CAN_UNDO "OfxParamPropCanUndo"
#define OFX_PARAM_MAY_WRITE "OfxParamPropPluginMayWrite"
#define OFX_PARAM_INVALIDATION "OfxParamPropCacheInvalidation"
#define OFX_PARAM_INVALIDATE_ALL "OfxParamInvalidateAll"
#define OFX_PARAM_OPTION "OfxParamPropChoiceOption"
#define OFX_PARAM_STRING_MODE "OfxParamPropStringMode"
#define OFX_PARAM_FILE_EXISTS "OfxParamPropStringFilePathExists"
#define OFX_STRING_FILE "OfxParamStringIsFilePath"
#define OFX_STRING_LABEL "OfxParamStringIsLabel"
#define OFX_PARAM_DOUBLE_TYPE "OfxParamPropDoubleType"
#define OFX_ANGLE "OfxParamDoubleTypeAngle"
#define OFX_XY_ABSOLUTE "OfxParamDoubleTypeXYAbsolute"
#define OFX_NORMALISED_XY_ABSOLUTE "OfxParamDoubleTypeNormalisedXYAbsolute"
#define OFX_PARAM_COORDINATES "OfxParamPropDefaultCoordinateSystem"
#define OFX_NORMALISED "OfxParamCoordinatesNormalised"
#define OFX_PARAM_USE_HANDLE "kOfxParamPropUseHostOverlayHandle"
#define OFX_PARAM_HAS_HANDLE "OfxParamPropHasHostOverlayHandle"

#define OFX_DRAW_CONTEXT "OfxInteractPropDrawContext"
#define OFX_PIXEL_SCALE "OfxInteractPropPixelScale"
#define OFX_PEN_POSITION "OfxInteractPropPenPosition"
#define OFX_SLAVE_TO "OfxInteractPropSlaveToParam"

#endif
