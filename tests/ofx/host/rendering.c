/* Images and rendering: the actions of a render in their order, with what the standard demands of their answers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"

enum { GUARD = 64, UNTOUCHED = 0xc5 };

static size_t row_size(const Layout *layout) { return (size_t)(layout->x2 - layout->x1) * 4 * (size_t)layout->bytes; }

Image *image_new(const Layout *layout) {
    Image *image = calloc(1, sizeof *image);
    size_t stride = row_size(layout) + (size_t)layout->padding, rows = (size_t)(layout->y2 - layout->y1);
    image->layout = *layout;
    image->layout.premultiplication = strdup(layout->premultiplication);
    image->layout.field = strdup(layout->field);
    image->size = GUARD + stride * rows + GUARD;
    image->memory = aligned_alloc(GUARD, (image->size + GUARD - 1) / GUARD * GUARD);
    memset(image->memory, UNTOUCHED, image->size);
    image->row_bytes = layout->negative_rows ? -(long)stride : (long)stride;
    image->bottom = image->memory + GUARD + (layout->negative_rows && rows ? stride * (rows - 1) : 0);
    return image;
}

void image_free(Image *image) {
    free((char *)image->layout.premultiplication);
    free((char *)image->layout.field);
    free(image->memory);
    free(image);
}

static unsigned char *row_of(const Image *image, int y) {
    return image->bottom + (y - image->layout.y1) * image->row_bytes;
}

void image_write(Image *image, const void *pixels) {
    const unsigned char *from = pixels;
    size_t size = row_size(&image->layout);
    for (int y = image->layout.y1; y < image->layout.y2; y++, from += size) memcpy(row_of(image, y), from, size);
}

void image_read(const Image *image, void *pixels) {
    unsigned char *to = pixels;
    size_t size = row_size(&image->layout);
    for (int y = image->layout.y1; y < image->layout.y2; y++, to += size) memcpy(to, row_of(image, y), size);
}

void clip_put_frame(Effect *effect, const char *name, double time, Image *image) {
    Clip *clip = clip_named(effect, name);
    int at = 0;
    while (at < clip->count && clip->frames[at]->time != time) at++;
    if (image) {
        image->time = time;
        image->sum = effect->host->verify ? image_sum(image) : 0;
        if (at == clip->count) clip->frames = realloc(clip->frames, (size_t)++clip->count * sizeof *clip->frames);
        clip->frames[at] = image;
    } else if (at < clip->count)
        clip->frames[at] = clip->frames[--clip->count];
    put_int(&clip->properties, "OfxImageClipPropConnected", 0, clip->count > 0);
}

static bool all_untouched(const unsigned char *from, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (from[i] != UNTOUCHED) return false;
    return true;
}

/* Whether each pixel of the window was written, and nothing else. */
static void check_output(Host *host, const Image *output, const int window[4]) {
    const Layout *layout = &output->layout;
    size_t pixel = 4 * (size_t)layout->bytes, size = row_size(layout), padding = (size_t)layout->padding;
    int outside = 0, left = 0;
    for (int y = layout->y1; y < layout->y2; y++) {
        const unsigned char *row = row_of(output, y);
        outside += !all_untouched(row + size, padding);
        for (int x = layout->x1; x < layout->x2; x++) {
            bool inside = x >= window[0] && x < window[2] && y >= window[1] && y < window[3];
            bool untouched = all_untouched(row + (size_t)(x - layout->x1) * pixel, pixel);
            outside += !inside && !untouched;
            left += inside && untouched;
        }
    }
    outside += !all_untouched(output->memory, GUARD) + !all_untouched(output->memory + output->size - GUARD, GUARD);
    if (outside) complain(host, "%d places outside of the render window were written", outside);
    if (left) complain(host, "%d pixels of the render window were not written", left);
}

static long long now_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void add_scale(PropertySet *set, const double scale[2]) {
    properties_add(set, "OfxImageEffectPropRenderScale", 'd', 2, READ_ONLY, NULL);
    for (int i = 0; i < 2; i++) put_double(set, "OfxImageEffectPropRenderScale", i, scale[i]);
}

static void add_time(PropertySet *set, double time) {
    properties_add(set, "OfxPropTime", 'd', 1, READ_ONLY, NULL);
    put_double(set, "OfxPropTime", 0, time);
}

static void ok_or_default(Host *host, const char *action, int status) {
    if (status != StatOK && status != StatReplyDefault) complain(host, "%s answered status %d", action, status);
}

static void ask_region(Effect *effect, Render *render) {
    PropertySet in, out;
    Clip *source = clip_named(effect, "Source");
    OfxRectD known = {0};
    if (source) image_effect_suite.clipGetRegionOfDefinition((void *)source, render->time, &known);
    const double initial[4] = {known.x1, known.y1, known.x2, known.y2};
    properties_init(&in, effect->host, "arguments", NULL);
    properties_init(&out, effect->host, "answers", NULL);
    add_time(&in, render->time);
    add_scale(&in, render->scale);
    properties_add(&out, "OfxImageEffectPropRegionOfDefinition", 'd', 4, OUT_ARGUMENT, NULL);
    for (int i = 0; i < 4; i++) put_double(&out, "OfxImageEffectPropRegionOfDefinition", i, initial[i]);
    ok_or_default(effect->host, "get region of definition",
                  dispatch(effect->plugin, effect, "OfxImageEffectActionGetRegionOfDefinition", &in, &out, NULL));
    for (int i = 0; i < 4; i++) render->region[i] = double_of(&out, "OfxImageEffectPropRegionOfDefinition", i);
    properties_free(&in);
    properties_free(&out);
}

static void ask_interest(Effect *effect, const Render *render) {
    PropertySet in, out;
    properties_init(&in, effect->host, "arguments", NULL);
    properties_init(&out, effect->host, "answers", NULL);
    add_time(&in, render->time);
    add_scale(&in, render->scale);
    properties_add(&in, "OfxImageEffectPropRegionOfInterest", 'd', 4, READ_ONLY, NULL);
    char name[128];
    for (int i = 0; i < 4; i++)
        put_double(&in, "OfxImageEffectPropRegionOfInterest", i, render->window[i] / render->scale[i % 2]);
    for (int clip = 0; clip < effect->clip_count; clip++) {
        if (strcmp(effect->clips[clip]->name, "Output") == 0) continue;
        snprintf(name, sizeof name, "OfxImageClipPropRoI_%s", effect->clips[clip]->name);
        properties_add(&out, name, 'd', 4, OUT_ARGUMENT, NULL);
    }
    ok_or_default(effect->host, "get regions of interest",
                  dispatch(effect->plugin, effect, "OfxImageEffectActionGetRegionsOfInterest", &in, &out, NULL));
    properties_free(&in);
    properties_free(&out);
}

static void ask_frames(Effect *effect, Render *render) {
    PropertySet in, out;
    properties_init(&in, effect->host, "arguments", NULL);
    properties_init(&out, effect->host, "answers", NULL);
    add_time(&in, render->time);
    char name[128];
    for (int clip = 0; clip < effect->clip_count; clip++) {
        snprintf(name, sizeof name, "OfxImageClipPropFrameRange_%s", effect->clips[clip]->name);
        if (strcmp(effect->clips[clip]->name, "Output") == 0) continue;
        properties_add(&out, name, 'd', 0, OUT_ARGUMENT, NULL);
        for (int i = 0; i < 2; i++) put_double(&out, name, i, render->time);
    }
    ok_or_default(effect->host, "get frames needed",
                  dispatch(effect->plugin, effect, "OfxImageEffectActionGetFramesNeeded", &in, &out, NULL));
    for (int i = 0; i < 2 && clip_named(effect, "Source"); i++)
        render->frames[i] = double_of(&out, "OfxImageClipPropFrameRange_Source", i);
    properties_free(&in);
    properties_free(&out);
}

static void add_window(PropertySet *set, const Render *render) {
    properties_add(set, "OfxImageEffectPropFieldToRender", 's', 1, READ_ONLY, render->field);
    properties_add(set, "OfxImageEffectPropRenderWindow", 'i', 4, READ_ONLY, NULL);
    for (int i = 0; i < 4; i++) put_int(set, "OfxImageEffectPropRenderWindow", i, render->window[i]);
}

static int ask_identity(Effect *effect, Render *render) {
    PropertySet in, out;
    properties_init(&in, effect->host, "arguments", NULL);
    properties_init(&out, effect->host, "answers", NULL);
    add_time(&in, render->time);
    add_scale(&in, render->scale);
    add_window(&in, render);
    if (render->has_source_frame) {
        properties_add(&in, "OfxImageEffectPropSrcFrame", 'i', 1, READ_ONLY, NULL);
        put_int(&in, "OfxImageEffectPropSrcFrame", 0, render->source_frame);
    }
    properties_add(&out, "OfxPropName", 's', 1, OUT_ARGUMENT, "");
    properties_add(&out, "OfxPropTime", 'd', 1, OUT_ARGUMENT, NULL);
    put_double(&out, "OfxPropTime", 0, render->time);
    int status = dispatch(effect->plugin, effect, "OfxImageEffectActionIsIdentity", &in, &out, NULL);
    ok_or_default(effect->host, "is identity", status);
    if (status == StatOK && !clip_named(effect, string_of(&out, "OfxPropName", 0)))
        complain(effect->host, "identity of a clip that is not there: %s", string_of(&out, "OfxPropName", 0));
    properties_free(&in);
    properties_free(&out);
    return status == StatOK;
}

static void add_status(PropertySet *in, const Render *render) {
    properties_add(in, "OfxImageEffectPropSequentialRenderStatus", 'i', 1, READ_ONLY, render->sequential ? "1" : "0");
    properties_add(in, "OfxImageEffectPropInteractiveRenderStatus", 'i', 1, READ_ONLY, render->interactive ? "1" : "0");
    properties_add(in, "OfxImageEffectPropRenderQualityDraft", 'i', 1, READ_ONLY, render->draft ? "1" : "0");
}

int instance_render(Effect *effect, Image *output, Render *render) {
    Host *host = effect->host;
    render->frames[0] = render->frames[1] = render->time;
    render->identity = 0;
    render->nanoseconds = 0;
    if (!(render->skip & SKIP_REGION)) ask_region(effect, render);
    if (!(render->skip & SKIP_FRAMES)) ask_frames(effect, render);
    if (!(render->skip & SKIP_INTEREST)) ask_interest(effect, render);
    if (!(render->skip & SKIP_IDENTITY) && ask_identity(effect, render)) {
        render->identity = 1;
        return StatOK;
    }
    PropertySet in;
    properties_init(&in, host, "arguments", NULL);
    add_time(&in, render->time);
    add_scale(&in, render->scale);
    add_window(&in, render);
    add_status(&in, render);
    if (render->has_source_frame) {
        properties_add(&in, "OfxImageEffectPropSrcFrame", 'i', 1, READ_ONLY, NULL);
        put_int(&in, "OfxImageEffectPropSrcFrame", 0, render->source_frame);
    }
    bool asked = !(render->skip & SKIP_FRAMES);
    Call call = {.time = render->time,
                 .output = output,
                 .images_allowed = true,
                 .frames_first = asked ? render->frames[0] : 1,
                 .frames_last = asked ? render->frames[1] : 0};
    output->time = render->time;
    if (host->verify) memset(output->memory, UNTOUCHED, output->size);
    long long start = now_nanoseconds();
    int status = dispatch(effect->plugin, effect, "OfxImageEffectActionRender", &in, NULL, &call);
    render->nanoseconds = now_nanoseconds() - start;
    if (host->verify && status == StatOK) check_output(host, output, render->window);
    properties_free(&in);
    return status;
}

int instance_begin_end(Effect *effect, const char *action, double first, double last, int interactive) {
    PropertySet in;
    const double one[2] = {1, 1};
    Render render = {.interactive = interactive, .sequential = 1};
    properties_init(&in, effect->host, "arguments", NULL);
    properties_add(&in, "OfxImageEffectPropFrameRange", 'd', 2, READ_ONLY, NULL);
    put_double(&in, "OfxImageEffectPropFrameRange", 0, first);
    put_double(&in, "OfxImageEffectPropFrameRange", 1, last);
    properties_add(&in, "OfxImageEffectPropFrameStep", 'd', 1, READ_ONLY, "1");
    properties_add(&in, "OfxPropIsInteractive", 'i', 1, READ_ONLY, interactive ? "1" : "0");
    add_scale(&in, one);
    add_status(&in, &render);
    int status = dispatch(effect->plugin, effect, action, &in, NULL, NULL);
    ok_or_default(effect->host, action, status);
    properties_free(&in);
    return status;
}

int instance_clip_preferences(Effect *effect) {
    static const struct {
        const char *prefix, type;
        int dimension;
    } each[] = {{"OfxImageClipPropComponents_", 's', 1},
                {"OfxImageClipPropDepth_", 's', 1},
                {"OfxImageClipPropPAR_", 'd', 1},
                {"OfxImageClipPropPreferredColourspaces_", 's', 0}};
    Host *host = effect->host;
    PropertySet out;
    properties_init(&out, host, "answers", NULL);
    properties_add(&out, "OfxImageEffectPropFrameRate", 'd', 1, OUT_ARGUMENT, "24");
    properties_add(&out, "OfxImageClipPropFieldOrder", 's', 1, OUT_ARGUMENT, "OfxFieldNone");
    properties_add(&out, "OfxImageEffectPropPreMultiplication", 's', 1, OUT_ARGUMENT, "OfxImageOpaque");
    properties_add(&out, "OfxImageClipPropContinuousSamples", 'i', 1, OUT_ARGUMENT, "0");
    properties_add(&out, "OfxImageEffectFrameVarying", 'i', 1, OUT_ARGUMENT, "0");
    char name[128];
    for (int clip = 0; clip < effect->clip_count; clip++)
        for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
            snprintf(name, sizeof name, "%s%s", each[i].prefix, effect->clips[clip]->name);
            properties_add(&out, name, each[i].type, each[i].dimension, OUT_ARGUMENT, NULL);
        }
    int status = dispatch(effect->plugin, effect, "OfxImageEffectActionGetClipPreferences", NULL, &out, NULL);
    ok_or_default(host, "get clip preferences", status);
    if (property_is_set(&out, "OfxImageEffectPropFrameRate") &&
        !int_of(&host->properties, "OfxImageEffectPropSetableFrameRate", 0))
        complain(host, "the host lets no plugin set the frame rate");
    if (property_is_set(&out, "OfxImageClipPropFieldOrder") &&
        !int_of(&host->properties, "OfxImageEffectPropSetableFielding", 0))
        complain(host, "the host lets no plugin set the fields");
    for (int clip = 0; clip < effect->clip_count; clip++) {
        snprintf(name, sizeof name, "OfxImageClipPropPAR_%s", effect->clips[clip]->name);
        if (property_is_set(&out, name) && !int_of(&host->properties, "OfxImageEffectPropSupportsMultipleClipPARs", 0))
            complain(host, "the host has one pixel aspect for all clips");
    }
    properties_free(&out);
    return status;
}

int instance_output_colourspace(Effect *effect, const char *preferred, char *answer, int size) {
    PropertySet in, out;
    properties_init(&in, effect->host, "arguments", NULL);
    properties_init(&out, effect->host, "answers", NULL);
    properties_add(&in, "OfxImageClipPropPreferredColourspaces", 's', 0, READ_ONLY, preferred);
    properties_add(&out, "OfxImageClipPropColourspace", 's', 1, OUT_ARGUMENT, "");
    int status = dispatch(effect->plugin, effect, "OfxImageEffectActionGetOutputColourspace", &in, &out, NULL);
    ok_or_default(effect->host, "get output colourspace", status);
    snprintf(answer, (size_t)size, "%s", string_of(&out, "OfxImageClipPropColourspace", 0));
    properties_free(&in);
    properties_free(&out);
    return status;
}
