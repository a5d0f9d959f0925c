/* The pixels of a render: restored, source, or a mixture. */
#include <stdlib.h>
#include <string.h>

#include "render.h"

#define SPAN 1024          /* pixels worked on at once */
#define WIPE_SPAN 64
#define READ_PIXELS 16384  /* and read at once */
#define MANY_PIXELS 5000000 /* worth the host's threads, which take a moment to start; some 6 ms of work for one */

/* What one thread works in; too much for the stacks of some hosts. */
typedef struct {
    uint16_t raw[READ_PIXELS * 4];
    float restored[SPAN * 4], source[SPAN * 4];
} Room;

static void put_span(const Render *r, int x, int y, int count, const float *from) {
    if (r->output.half) store_row(&r->output, x, y, count, from);
    else copy_past_caches(pixel_at(&r->output, x, y), from, (size_t)count * 16);
}

/* Pixels that no restored frame covers. */
static void pass_span(const Render *r, Room *room, int x, int y, int count) {
    bool difference = r->lookup == FRAME_FOUND && r->show == SHOW_DIFFERENCE;
    if (!difference && r->source.half == r->output.half && has_row(&r->source, x, y, count)) {
        copy_past_caches(pixel_at(&r->output, x, y), pixel_at(&r->source, x, y), (size_t)count * (r->output.half ? 8 : 16));
        return;
    }
    for (int done = 0; done < count; done += SPAN) {
        int part = count - done < SPAN ? count - done : SPAN;
        load_row(&r->source, x + done, y, part, room->source);
        for (int i = 0; difference && i < part; i++) memset(room->source + 4 * i, 0, 12);
        put_span(r, x + done, y, part, room->source);
    }
}

/* How much of the restored frame a pixel of the wipe shows; the border is one pixel wide. */
static float weight_at(const Render *r, int x, int y) {
    double side = (x + 0.5 - r->wipe_x) * r->wipe_cos + (y + 0.5 - r->wipe_y) * r->wipe_sin + 0.5;
    return side <= 0 ? 0 : side >= 1 ? r->strength : r->strength * (float)side;
}

/* One pixel. Processors of all systems work on four values at once; single ones between them would hold them up. */
typedef float Pixel __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t Bits __attribute__((vector_size(16)));

static const Bits ALPHA = {0, 0, 0, -1};

static Pixel pick(Bits mask, Pixel yes, Pixel no) { return (Pixel)(((Bits)yes & mask) | ((Bits)no & ~mask)); }

/* As the host has its pictures: alpha is the source's if the frame has none, and colours may be multiplied by it. */
static void finish_alpha(const Render *r, float *restored, const float *source, int count) {
    Pixel *to = (Pixel *)restored;
    const Pixel *from = (const Pixel *)source;
    if (!r->frame.has_alpha && !r->source.opaque)
        for (int i = 0; i < count; i++) to[i] = pick(ALPHA, from[i], to[i]);
    if (r->source.premultiplied)
        for (int i = 0; i < count; i++) to[i] *= (Pixel){to[i][3], to[i][3], to[i][3], 1};
}

static void mix(float *restrict restored, const float *restrict source, float weight, int count) {
    for (int i = 0; i < 4 * count; i++) restored[i] = (1 - weight) * source[i] + weight * restored[i];
}

static void mix_border(const Render *r, float *restored, const float *source, int x, int y, int count) {
    Pixel *to = (Pixel *)restored;
    const Pixel *from = (const Pixel *)source;
    for (int i = 0; i < count; i++) {
        float weight = weight_at(r, x + i, y);
        if (weight <= 0) to[i] = from[i];
        else if (weight < 1) to[i] = (1 - weight) * from[i] + weight * to[i];
    }
}

static void take_difference(float *restored, const float *source, int count) {
    Pixel *to = (Pixel *)restored;
    const Pixel *from = (const Pixel *)source;
    const Bits no_sign = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    for (int i = 0; i < count; i++) to[i] = pick(ALPHA, from[i], (Pixel)((Bits)(to[i] - from[i]) & no_sign));
}

/* A frame without alpha is opaque, until the source's alpha takes its place. */
static void fill_alpha(uint16_t *raw, int pixels) {
    for (int i = 0; i < pixels; i++) {
        uint64_t pixel;
        memcpy(&pixel, raw + 4 * i, sizeof pixel);
        pixel = (pixel & UINT64_C(0x0000ffffffffffff)) | UINT64_C(0x3c00000000000000);
        memcpy(raw + 4 * i, &pixel, sizeof pixel);
    }
}

/* border: whether the border of the wipe crosses these pixels. */
static void blend_span(const Render *r, Room *room, int x, int y, int count, const uint16_t *raw, bool border) {
    bool whole_strength = !border && r->strength >= 1, difference = r->show == SHOW_DIFFERENCE;
    bool own_alpha = r->frame.has_alpha || r->source.opaque;
    if (whole_strength && !difference && r->output.half && own_alpha && !r->source.premultiplied) {
        copy_past_caches(pixel_at(&r->output, x, y), raw, (size_t)count * 8);
        return;
    }
    const float *source = NULL;
    if (!whole_strength || difference || !own_alpha) source = row_of(&r->source, x, y, count, room->source);
    half_to_float(raw, room->restored, (size_t)count * 4);
    finish_alpha(r, room->restored, source, count);
    if (border) mix_border(r, room->restored, source, x, y, count);
    else if (!whole_strength) mix(room->restored, source, r->strength, count);
    if (difference) take_difference(room->restored, source, count);
    put_span(r, x, y, count, room->restored);
}

/* In a wipe, only the pixels around its border are mixed one by one. */
static void blend_row(const Render *r, Room *room, int x, int y, int count, const uint16_t *raw) {
    int step = r->show == SHOW_WIPE ? WIPE_SPAN : SPAN;
    for (int done = 0; done < count; done += step) {
        int part = count - done < step ? count - done : step;
        float first = r->strength, last = r->strength;
        if (r->show == SHOW_WIPE) first = weight_at(r, x + done, y), last = weight_at(r, x + done + part - 1, y);
        bool border = first < r->strength || last < r->strength;
        if (first <= 0 && last <= 0) pass_span(r, room, x + done, y, part);
        else blend_span(r, room, x + done, y, part, raw + 4 * done, border);
    }
}

/* Reads many rows at once if they lie one after another in the file. False if the file has become shorter. */
static bool blend_rows(const Render *r, Room *room, OfxRectI part) {
    uint64_t column = (uint64_t)(part.x1 - r->source.picture.x1) - r->frame.x;
    int width = part.x2 - part.x1, at_once = 1;
    if ((uint32_t)width == r->frame.w && width <= READ_PIXELS) at_once = READ_PIXELS / width;
    for (int y = part.y1; y < part.y2; y += at_once) {
        int rows = part.y2 - y < at_once ? part.y2 - y : at_once;
        uint64_t row = (uint64_t)(y - r->source.picture.y1) - r->frame.y;
        for (int x = 0; x < width; x += READ_PIXELS) {
            int count = width - x < READ_PIXELS ? width - x : READ_PIXELS;
            uint64_t place = r->frame.pixels_at + (row * r->frame.w + column + (uint64_t)x) * 8;
            if (!read_at(r->frame.file, room->raw, (size_t)count * (size_t)rows * 8, place)) return false;
            if (!r->frame.has_alpha) fill_alpha(room->raw, count * rows);
            for (int i = 0; i < rows; i++) blend_row(r, room, part.x1 + x, y + i, count, room->raw + (size_t)i * (size_t)count * 4);
        }
    }
    return true;
}

static void render_rows(Render *r, int y1, int y2) {
    OfxRectI rows = {r->window.x1, y1, r->window.x2, y2}, part = {rows.x1, y1, rows.x1, y1};
    Room *room = malloc(sizeof *room);
    if (!room) {
        atomic_store(&r->starved, true);
        return;
    }
    if (r->lookup == FRAME_FOUND) {
        int x = r->source.picture.x1 + (int)r->frame.x, y = r->source.picture.y1 + (int)r->frame.y;
        OfxRectI covered = intersect((OfxRectI){x, y, x + (int)r->frame.w, y + (int)r->frame.h}, rows);
        if (!is_empty(covered)) part = covered;
    }
    for (int y = y1; y < y2; y++) {
        bool inside = y >= part.y1 && y < part.y2;
        int left = inside ? part.x1 : rows.x2, right = inside ? part.x2 : rows.x2;
        if (left > rows.x1) pass_span(r, room, rows.x1, y, left - rows.x1);
        if (right < rows.x2) pass_span(r, room, right, y, rows.x2 - right);
    }
    if (!is_empty(part) && !blend_rows(r, room, part)) atomic_store(&r->torn, true);
    finish_copies();
    free(room);
}

static void render_slice(unsigned int index, unsigned int count, void *argument) {
    Render *r = argument;
    int64_t rows = r->window.y2 - r->window.y1;
    if (index >= count) return;
    render_rows(r, r->window.y1 + (int)(rows * index / count), r->window.y1 + (int)(rows * (index + 1) / count));
}

/* On the host's threads, if it lends them; in this one if not, or if it fails to. */
void render_window(Render *r) {
    unsigned int count = 1;
    int64_t pixels = (int64_t)(r->window.x2 - r->window.x1) * (r->window.y2 - r->window.y1);
    bool plain = r->lookup != FRAME_FOUND || (r->show == SHOW_RESTORED && r->strength >= 1 && !r->source.premultiplied);
    if (!plain) pixels *= 2; /* mixing takes that much longer */
    if (host.threads && pixels > MANY_PIXELS && !host.threads->multiThreadIsSpawnedThread() &&
        !host.threads->multiThreadNumCPUs(&count) && count > 1 && !host.threads->multiThread(render_slice, count, r))
        return;
    render_rows(r, r->window.y1, r->window.y2);
}
