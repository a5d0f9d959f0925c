/* The properties of every object, as the standard lists them: name, type, number of values, who sets it, first value.
 */
#include <string.h>

#include "host.h"

#define END {NULL, 0, 0, 0, NULL}
#define LABELS(access)                                                                                                 \
    {"OfxPropLabel", 's', 1, access, ""}, {"OfxPropShortLabel", 's', 1, access, ""},                                   \
        {"OfxPropLongLabel", 's', 1, access, ""}

const PropertyRow host_rows[] = {
    {"OfxPropAPIVersion", 'i', 0, READ_ONLY, "1,5"},
    {"OfxPropType", 's', 1, READ_ONLY, "OfxTypeImageEffectHost"},
    {"OfxPropName", 's', 1, READ_ONLY, "test.strict.host"},
    {"OfxPropLabel", 's', 1, READ_ONLY, "Strict test host"},
    {"OfxPropVersion", 'i', 0, READ_ONLY, "1,0,0"},
    {"OfxPropVersionLabel", 's', 1, READ_ONLY, "1.0.0"},
    {"OfxPropHostOSHandle", 'p', 1, READ_ONLY, NULL},
    {"OfxImageEffectHostPropIsBackground", 'i', 1, READ_ONLY, "0"},
    {"OfxImageEffectHostPropNativeOrigin", 's', 1, READ_ONLY, "kOfxImageEffectHostPropNativeOriginBottomLeft"},
    {"OfxImageEffectPropSupportsOverlays", 'i', 1, READ_ONLY, "1"},
    {"OfxImageEffectPropSupportsMultiResolution", 'i', 1, READ_ONLY, "1"},
    {"OfxImageEffectPropSupportsTiles", 'i', 1, READ_ONLY, "1"},
    {"OfxImageEffectPropTemporalClipAccess", 'i', 1, READ_ONLY, "1"},
    {"OfxImageEffectPropSupportedComponents", 's', 0, READ_ONLY, "OfxImageComponentRGBA,OfxImageComponentAlpha"},
    {"OfxImageEffectPropSupportedContexts", 's', 0, READ_ONLY,
     "OfxImageEffectContextFilter,OfxImageEffectContextGeneral"},
    {"OfxImageEffectPropSupportedPixelDepths", 's', 0, READ_ONLY, "OfxBitDepthFloat,OfxBitDepthHalf"},
    {"OfxImageEffectPropMultipleClipDepths", 'i', 1, READ_ONLY, "0"},
    {"OfxImageEffectPropSupportsMultipleClipPARs", 'i', 1, READ_ONLY, "0"},
    {"OfxImageEffectPropSetableFrameRate", 'i', 1, READ_ONLY, "0"},
    {"OfxImageEffectPropSetableFielding", 'i', 1, READ_ONLY, "0"},
    {"OfxImageEffectInstancePropSequentialRender", 'i', 1, READ_ONLY, "0"},
    {"OfxImageEffectPropRenderQualityDraft", 'i', 1, READ_ONLY, "1"},
    {"OfxImageEffectPropOpenGLRenderSupported", 's', 1, READ_ONLY, "false"},
    {"OfxImageEffectPropCudaRenderSupported", 's', 1, READ_ONLY, "false"},
    {"OfxImageEffectPropCudaStreamSupported", 's', 1, READ_ONLY, "false"},
    {"OfxImageEffectPropMetalRenderSupported", 's', 1, READ_ONLY, "false"},
    {"OfxImageEffectPropOpenCLRenderSupported", 's', 1, READ_ONLY, "false"},
    {"OfxImageEffectPropColourManagementAvailableConfigs", 's', 0, READ_ONLY, "ofx-native-v1.5_aces-v1.3_ocio-v2.3"},
    {"OfxImageEffectPropColourManagementStyle", 's', 1, READ_ONLY, "OfxImageEffectPropColourManagementCore"},
    {"OfxParamHostPropSupportsCustomInteract", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropSupportsStringAnimation", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropSupportsChoiceAnimation", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropSupportsBooleanAnimation", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropSupportsCustomAnimation", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropSupportsStrChoice", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropSupportsStrChoiceAnimation", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropSupportsParametricAnimation", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropMaxParameters", 'i', 1, READ_ONLY, "-1"},
    {"OfxParamHostPropMaxPages", 'i', 1, READ_ONLY, "0"},
    {"OfxParamHostPropPageRowColumnCount", 'i', 2, READ_ONLY, "0,0"},
    END};

const PropertyRow descriptor_rows[] = {
    {"OfxPropType", 's', 1, READ_ONLY, "OfxTypeImageEffect"},
    LABELS(DESCRIBING),
    {"OfxPropVersion", 'i', 0, DESCRIBING, NULL},
    {"OfxPropVersionLabel", 's', 1, DESCRIBING, ""},
    {"OfxPropPluginDescription", 's', 1, DESCRIBING, ""},
    {"OfxPropIcon", 's', 2, DESCRIBING, ""},
    {"OfxPluginPropFilePath", 's', 1, READ_ONLY, ""},
    {"OfxImageEffectPropSupportedContexts", 's', 0, DESCRIBING, NULL},
    {"OfxImageEffectPropSupportedPixelDepths", 's', 0, DESCRIBING, NULL},
    {"OfxImageEffectPluginPropGrouping", 's', 1, DESCRIBING, ""},
    {"OfxImageEffectPluginPropSingleInstance", 'i', 1, DESCRIBING, "0"},
    {"OfxImageEffectPluginRenderThreadSafety", 's', 1, DESCRIBING, "OfxImageEffectRenderInstanceSafe"},
    {"OfxImageEffectPluginPropHostFrameThreading", 'i', 1, DESCRIBING, "1"},
    {"OfxImageEffectPluginPropOverlayInteractV1", 'p', 1, DESCRIBING, NULL},
    {"OfxImageEffectPluginPropOverlayInteractV2", 'p', 1, DESCRIBING, NULL},
    {"OfxImageEffectPluginPropFieldRenderTwiceAlways", 'i', 1, DESCRIBING, "1"},
    {"OfxImageEffectPropSupportsMultiResolution", 'i', 1, DESCRIBING, "1"},
    {"OfxImageEffectPropSupportsTiles", 'i', 1, DESCRIBING, "1"},
    {"OfxImageEffectPropTemporalClipAccess", 'i', 1, DESCRIBING, "0"},
    {"OfxImageEffectPropMultipleClipDepths", 'i', 1, DESCRIBING, "0"},
    {"OfxImageEffectPropSupportsMultipleClipPARs", 'i', 1, DESCRIBING, "0"},
    {"OfxImageEffectPropClipPreferencesSlaveParam", 's', 0, DESCRIBING, NULL},
    {"OfxImageEffectPropOpenGLRenderSupported", 's', 1, DESCRIBING, "false"},
    {"OfxImageEffectPropCudaRenderSupported", 's', 1, DESCRIBING, "false"},
    {"OfxImageEffectPropCudaStreamSupported", 's', 1, DESCRIBING, "false"},
    {"OfxImageEffectPropMetalRenderSupported", 's', 1, DESCRIBING, "false"},
    {"OfxImageEffectPropOpenCLRenderSupported", 's', 1, DESCRIBING, "false"},
    {"OfxOpenGLPropPixelDepth", 's', 0, DESCRIBING, NULL},
    {"OfxImageEffectPropColourManagementAvailableConfigs", 's', 0, DESCRIBING, NULL},
    {"OfxImageEffectPropColourManagementStyle", 's', 1, DESCRIBING, "OfxImageEffectPropColourManagementNone"},
    END};

const PropertyRow instance_rows[] = {
    {"OfxPropType", 's', 1, READ_ONLY, "OfxTypeImageEffectInstance"},
    {"OfxPropInstanceData", 'p', 1, WRITABLE, NULL},
    {"OfxPropIsInteractive", 'i', 1, READ_ONLY, "1"},
    {"OfxImageEffectPropContext", 's', 1, READ_ONLY, ""},
    {"OfxImageEffectPropPluginHandle", 'p', 1, READ_ONLY, NULL},
    {"OfxImageEffectPropProjectSize", 'd', 2, READ_ONLY, "0"},
    {"OfxImageEffectPropProjectOffset", 'd', 2, READ_ONLY, "0"},
    {"OfxImageEffectPropProjectExtent", 'd', 2, READ_ONLY, "0"},
    {"OfxImageEffectPropPixelAspectRatio", 'd', 1, READ_ONLY, "1"},
    {"OfxImageEffectPropFrameRate", 'd', 1, READ_ONLY, "24"},
    {"OfxImageEffectInstancePropEffectDuration", 'd', 1, READ_ONLY, "1"},
    {"OfxImageEffectInstancePropSequentialRender", 'i', 1, WRITABLE, "0"},
    {"OfxImageEffectPropSupportsTiles", 'i', 1, WRITABLE, "1"},
    {"OfxImageEffectPropOpenGLRenderSupported", 's', 1, WRITABLE, "false"},
    {"OfxImageEffectPropOCIOConfig", 's', 1, READ_ONLY, ""},
    {"OfxImageEffectPropOCIODisplay", 's', 1, READ_ONLY, ""},
    {"OfxImageEffectPropOCIOView", 's', 1, READ_ONLY, ""},
    {"OfxImageEffectPropColourManagementConfig", 's', 1, READ_ONLY, "ofx-native-v1.5_aces-v1.3_ocio-v2.3"},
    {"OfxImageEffectPropColourManagementStyle", 's', 1, READ_ONLY, "OfxImageEffectPropColourManagementNone"},
    {"OfxImageEffectPropDisplayColourspace", 's', 1, READ_ONLY, ""},
    END};

#define CLIP_ROWS(access)                                                                                              \
    {"OfxPropType", 's', 1, READ_ONLY, "OfxTypeClip"}, {"OfxPropName", 's', 1, READ_ONLY, ""}, LABELS(access),         \
        {"OfxImageEffectPropSupportedComponents", 's', 0, access, NULL},                                               \
        {"OfxImageEffectPropTemporalClipAccess", 'i', 1, access, "0"},                                                 \
        {"OfxImageClipPropOptional", 'i', 1, access, "0"},                                                             \
        {"OfxImageClipPropFieldExtraction", 's', 1, access, "OfxFieldDoubled"},                                        \
        {"OfxImageClipPropIsMask", 'i', 1, access, "0"}, {"OfxImageEffectPropSupportsTiles", 'i', 1, access, "1"}

const PropertyRow clip_descriptor_rows[] = {CLIP_ROWS(DESCRIBING), END};

const PropertyRow clip_rows[] = {CLIP_ROWS(READ_ONLY),
                                 {"OfxImageClipPropColourspace", 's', 1, WRITABLE, ""},
                                 {"OfxImageClipPropPreferredColourspaces", 's', 0, READ_ONLY, NULL},
                                 {"OfxImageEffectPropPixelDepth", 's', 1, READ_ONLY, "OfxBitDepthFloat"},
                                 {"OfxImageEffectPropComponents", 's', 1, READ_ONLY, "OfxImageComponentRGBA"},
                                 {"OfxImageClipPropUnmappedPixelDepth", 's', 1, READ_ONLY, "OfxBitDepthFloat"},
                                 {"OfxImageClipPropUnmappedComponents", 's', 1, READ_ONLY, "OfxImageComponentRGBA"},
                                 {"OfxImageEffectPropPreMultiplication", 's', 1, READ_ONLY, "OfxImageOpaque"},
                                 {"OfxImagePropPixelAspectRatio", 'd', 1, READ_ONLY, "1"},
                                 {"OfxImageEffectPropFrameRate", 'd', 1, READ_ONLY, "24"},
                                 {"OfxImageEffectPropFrameRange", 'd', 2, READ_ONLY, "0"},
                                 {"OfxImageClipPropFieldOrder", 's', 1, READ_ONLY, "OfxFieldNone"},
                                 {"OfxImageClipPropConnected", 'i', 1, READ_ONLY, "0"},
                                 {"OfxImageEffectPropUnmappedFrameRange", 'd', 2, READ_ONLY, "0"},
                                 {"OfxImageEffectPropUnmappedFrameRate", 'd', 1, READ_ONLY, "24"},
                                 {"OfxImageClipPropContinuousSamples", 'i', 1, READ_ONLY, "0"},
                                 END};

const PropertyRow image_rows[] = {{"OfxPropType", 's', 1, READ_ONLY, "OfxTypeImage"},
                                  {"OfxImageEffectPropPixelDepth", 's', 1, READ_ONLY, ""},
                                  {"OfxImageEffectPropComponents", 's', 1, READ_ONLY, "OfxImageComponentRGBA"},
                                  {"OfxImageEffectPropPreMultiplication", 's', 1, READ_ONLY, "OfxImageOpaque"},
                                  {"OfxImageEffectPropRenderScale", 'd', 2, READ_ONLY, "1"},
                                  {"OfxImagePropPixelAspectRatio", 'd', 1, READ_ONLY, "1"},
                                  {"OfxImagePropData", 'p', 1, READ_ONLY, NULL},
                                  {"OfxImagePropBounds", 'i', 4, READ_ONLY, "0"},
                                  {"OfxImagePropRegionOfDefinition", 'i', 4, READ_ONLY, "0"},
                                  {"OfxImagePropRowBytes", 'i', 1, READ_ONLY, "0"},
                                  {"OfxImagePropField", 's', 1, READ_ONLY, "OfxFieldNone"},
                                  {"OfxImagePropUniqueIdentifier", 's', 1, READ_ONLY, ""},
                                  END};

const PropertyRow param_set_rows[] = {{"OfxPropParamSetNeedsSyncing", 'i', 1, WRITABLE, "0"},
                                      {"OfxPluginPropParamPageOrder", 's', 0, DESCRIBING, NULL},
                                      END};

const PropertyRow interact_rows[] = {{"OfxPropEffectInstance", 'p', 1, READ_ONLY, NULL},
                                     {"OfxPropInstanceData", 'p', 1, WRITABLE, NULL},
                                     {"OfxInteractPropPixelScale", 'd', 2, READ_ONLY, "1"},
                                     {"OfxInteractPropBackgroundColour", 'd', 3, READ_ONLY, "0"},
                                     {"OfxInteractPropHasAlpha", 'i', 1, READ_ONLY, "1"},
                                     {"OfxInteractPropBitDepth", 'i', 1, READ_ONLY, "8"},
                                     {"OfxInteractPropSlaveToParam", 's', 0, WRITABLE, NULL},
                                     {"OfxInteractPropSuggestedColour", 'd', 3, READ_ONLY, "1"},
                                     END};

/* Of parameters. WRITABLE here: in the description and in instances; DESCRIBING: in the description only. The types of
   the rows marked v are those of the parameter's value. */
static const PropertyRow common_rows[] = {{"OfxPropType", 's', 1, READ_ONLY, "OfxTypeParameter"},
                                          {"OfxPropName", 's', 1, READ_ONLY, ""},
                                          {"OfxParamPropType", 's', 1, READ_ONLY, ""},
                                          LABELS(WRITABLE),
                                          {"OfxPropIcon", 's', 2, DESCRIBING, ""},
                                          {"OfxParamPropSecret", 'i', 1, WRITABLE, "0"},
                                          {"OfxParamPropHint", 's', 1, WRITABLE, ""},
                                          {"OfxParamPropScriptName", 's', 1, DESCRIBING, ""},
                                          {"OfxParamPropParent", 's', 1, DESCRIBING, ""},
                                          {"OfxParamPropEnabled", 'i', 1, WRITABLE, "1"},
                                          {"OfxParamPropDataPtr", 'p', 1, WRITABLE, NULL},
                                          END};
static const PropertyRow interface_rows[] = {{"OfxParamPropInteractV1", 'p', 1, DESCRIBING, NULL},
                                             {"OfxParamPropInteractSize", 'd', 2, READ_ONLY, "0"},
                                             {"OfxParamPropInteractSizeAspect", 'd', 1, DESCRIBING, "1"},
                                             {"OfxParamPropInteractMinimumSize", 'd', 2, DESCRIBING, "10"},
                                             {"OfxParamPropInteractPreferedSize", 'i', 2, DESCRIBING, "10"},
                                             {"OfxParamPropHasHostOverlayHandle", 'i', 1, READ_ONLY, "0"},
                                             {"kOfxParamPropUseHostOverlayHandle", 'i', 1, DESCRIBING, "0"},
                                             END};
static const PropertyRow value_rows[] = {
    {"OfxParamPropDefault", 'v', 1, DESCRIBING, NULL},
    {"OfxParamPropAnimates", 'i', 1, DESCRIBING, "1"},
    {"OfxParamPropIsAnimating", 'i', 1, READ_ONLY, "0"},
    {"OfxParamPropIsAutoKeying", 'i', 1, READ_ONLY, "0"},
    {"OfxParamPropPersistant", 'i', 1, DESCRIBING, "1"},
    {"OfxParamPropEvaluateOnChange", 'i', 1, WRITABLE, "1"},
    {"OfxParamPropPluginMayWrite", 'i', 1, DESCRIBING, "0"},
    {"OfxParamPropCacheInvalidation", 's', 1, DESCRIBING, "OfxParamInvalidateValueChange"},
    {"OfxParamPropCanUndo", 'i', 1, DESCRIBING, "1"},
    END};
static const PropertyRow number_rows[] = {{"OfxParamPropMin", 'v', 1, WRITABLE, NULL},
                                          {"OfxParamPropMax", 'v', 1, WRITABLE, NULL},
                                          {"OfxParamPropDisplayMin", 'v', 1, WRITABLE, NULL},
                                          {"OfxParamPropDisplayMax", 'v', 1, WRITABLE, NULL},
                                          {"OfxParamPropDimensionLabel", 's', 0, DESCRIBING, NULL},
                                          END};
static const PropertyRow double_rows[] = {
    {"OfxParamPropIncrement", 'd', 1, WRITABLE, "1"},
    {"OfxParamPropDigits", 'i', 1, WRITABLE, "2"},
    {"OfxParamPropDoubleType", 's', 1, DESCRIBING, "OfxParamDoubleTypePlain"},
    {"OfxParamPropDefaultCoordinateSystem", 's', 1, DESCRIBING, "OfxParamCoordinatesCanonical"},
    {"OfxParamPropShowTimeMarker", 'i', 1, WRITABLE, "0"},
    END};
static const PropertyRow string_rows[] = {{"OfxParamPropStringMode", 's', 1, DESCRIBING, "OfxParamStringIsSingleLine"},
                                          {"OfxParamPropStringFilePathExists", 'i', 1, DESCRIBING, "1"},
                                          END};
static const PropertyRow choice_rows[] = {
    {"OfxParamPropChoiceOption", 's', 0, WRITABLE, NULL}, {"OfxParamPropChoiceOrder", 'i', 0, WRITABLE, NULL}, END};
static const PropertyRow custom_rows[] = {{"OfxParamPropCustomCallbackV1", 'p', 1, DESCRIBING, NULL}, END};
static const PropertyRow group_rows[] = {{"OfxParamPropGroupOpen", 'i', 1, DESCRIBING, "1"}, END};
static const PropertyRow page_rows[] = {{"OfxParamPropPageChild", 's', 0, DESCRIBING, NULL}, END};

static const struct {
    const PropertyRow *rows;
    const char *types; /* of parameters that have them */
} groups[] = {
    {common_rows, "Integer Double Boolean Choice RGBA RGB String Custom PushButton Group Page "},
    {interface_rows, "Integer Double Boolean Choice RGBA RGB String Custom PushButton "},
    {value_rows, "Integer Double Boolean Choice RGBA RGB String Custom "},
    {number_rows, "Integer Double "},
    {double_rows, "Double "},
    {string_rows, "String "},
    {choice_rows, "Choice "},
    {custom_rows, "Custom "},
    {group_rows, "Group "},
    {page_rows, "Page "},
};

const PropertyRow *parameter_rows(int i) { return i < (int)(sizeof groups / sizeof *groups) ? groups[i].rows : NULL; }

bool parameter_has(const char *type, int i) {
    char word[64] = "";
    size_t length = strcspn(type, "123");
    if (strncmp(type, "OfxParamType", 12) != 0 || length < 12 || length - 12 > sizeof word - 2) return false;
    memcpy(word, type + 12, length - 12);
    strcat(word, " ");
    const char *found = strstr(groups[i].types, word);
    return found && (found == groups[i].types || found[-1] == ' ');
}

static bool among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

bool is_extension(const char *name, int minor_version) {
    static const char *const vendors[] = {
        "OfxImageEffectPropSrcFilePath", "OfxImageEffectPropSrcFrame",    "OfxImageEffectPropResolvePage",
        "kOfxImageClipPropThumbnail",    "OfxImageEffectPropEyeToRender", "OfxImageEffectPropNoSpatialAwareness",
    };
    static const char *const of_1_5[] = {
        "OfxImageEffectPropColourManagementStyle",
        "OfxImageEffectPropColourManagementAvailableConfigs",
        "OfxImageEffectPropColourManagementConfig",
        "OfxImageClipPropColourspace",
    };
    return among(name, vendors, sizeof vendors / sizeof *vendors) ||
           (minor_version < 5 && among(name, of_1_5, sizeof of_1_5 / sizeof *of_1_5));
}
