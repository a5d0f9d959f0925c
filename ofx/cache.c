#include "cache.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define PATCHES_AT_ONCE 16

static uint64_t hash_value(uint64_t hash, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) hash = (hash ^ (value >> 8 * i & 0xff)) * FNV_PRIME;
    return hash;
}

static uint64_t key_of(const Wanted *wanted) {
    uint64_t hash = hash_value(FNV_OFFSET, PROTOCOL_VERSION, 4);
    hash = hash_value(hash, (uint64_t)wanted->job, 8);
    hash = hash_value(hash, wanted->width, 4);
    hash = hash_value(hash, wanted->height, 4);
    for (uint32_t i = 0; i < wanted->path_bytes; i++) hash = hash_value(hash, (uint8_t)wanted->path[i], 1);
    return hash;
}

/* How many bytes of `text` are one character of UTF-8; 0 if they are none, or a control character. */
static int utf8_bytes(const uint8_t *text, size_t left) {
    uint8_t lead = text[0];
    if (lead < 0x80) return lead >= 0x20 && lead != 0x7f;
    int bytes = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (!bytes || left < (size_t)bytes) return 0;
    for (int i = 1; i < bytes; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] >= 0xa0)) return 0;
    if ((lead == 0xf0 && text[1] < 0x90) || (lead == 0xf4 && text[1] >= 0x90)) return 0;
    return bytes;
}

/* Text from outside goes into hosts only as valid UTF-8 without control characters. */
static void clean_text(const uint8_t *from, size_t bytes, char *to, size_t room) {
    size_t used = 0;
    for (size_t i = 0; i < bytes;) {
        int length = utf8_bytes(from + i, bytes - i);
        size_t step = length ? (size_t)length : 1;
        if (used + step >= room) break;
        if (length) memcpy(to + used, from + i, step);
        else to[used] = '?';
        used += step;
        i += step;
    }
    to[used] = 0;
}

static bool same_path(FileHandle file, uint64_t offset, const Wanted *wanted) {
    uint8_t part[1024];
    for (uint32_t done = 0; done < wanted->path_bytes;) {
        uint32_t bytes = wanted->path_bytes - done < sizeof part ? wanted->path_bytes - done : sizeof part;
        if (!read_at(file, part, bytes, offset + done) || memcmp(part, wanted->path + done, bytes)) return false;
        done += bytes;
    }
    return true;
}

static bool parse_state(FileHandle file, uint64_t size, const Wanted *wanted, RestoreState *state) {
    uint8_t head[STATUS_HEADER_BYTES], text[sizeof state->text];
    if (size < sizeof head || size > STATUS_MAX_BYTES || !read_at(file, head, sizeof head, 0)) return false;
    if (memcmp(head, STATUS_MAGIC, 8) || get_u32(head + STATUS_VERSION) != PROTOCOL_VERSION) return false;
    uint32_t text_bytes = get_u32(head + STATUS_TEXT_BYTES), path_bytes = get_u32(head + STATUS_PATH_BYTES);
    if (get_u32(head + STATUS_BYTES) != size || STATUS_HEADER_BYTES + (uint64_t)text_bytes + path_bytes != size) return false;
    if (get_u64(head + STATUS_JOB_ASKED) != (uint64_t)wanted->job || path_bytes != wanted->path_bytes) return false;
    if (get_u32(head + STATUS_WIDTH) != wanted->width || get_u32(head + STATUS_HEIGHT) != wanted->height) return false;
    if (!same_path(file, STATUS_HEADER_BYTES + (uint64_t)text_bytes, wanted)) return false;
    state->state = get_u32(head + STATUS_STATE);
    state->progress = get_u32(head + STATUS_PROGRESS);
    state->first = (int64_t)get_u64(head + STATUS_FIRST);
    state->stop = (int64_t)get_u64(head + STATUS_STOP);
    state->fits = get_u32(head + STATUS_FITS);
    state->flags = get_u32(head + STATUS_FLAGS);
    state->job_shown = (int64_t)get_u64(head + STATUS_JOB_SHOWN);
    state->residual = get_f32(head + STATUS_RESIDUAL);
    if (state->state > STATE_REFUSED || state->progress > 10000 || state->fits > MAX_FITS) return false;
    if (text_bytes > sizeof text) text_bytes = sizeof text;
    if (!read_at(file, text, text_bytes, STATUS_HEADER_BYTES)) return false;
    clean_text(text, text_bytes, state->text, sizeof state->text);
    return true;
}

void read_state(const char *cache, const Wanted *wanted, RestoreState *state) {
    char path[FOLDER_BYTES + 128];
    uint64_t size = 0;
    memset(state, 0, sizeof *state);
    if (!*cache) return;
    snprintf(path, sizeof path, "%s/%016" PRIx64 "/status", cache, key_of(wanted));
    FileHandle file = open_file(path, &size, NULL);
    if (file == NO_HANDLE) return;
    state->there = parse_state(file, size, wanted, state);
    if (!state->there) memset(state, 0, sizeof *state);
    close_file(file);
}

static bool patch_agrees(const uint8_t *patch, const Image *shown, uint32_t width, uint32_t height) {
    uint32_t x = get_u32(patch + PATCH_X), y = get_u32(patch + PATCH_Y);
    float tolerance = get_f32(patch + PATCH_TOLERANCE), sum = 0;
    if (width < PATCH_SIDE || height < PATCH_SIDE || x > width - PATCH_SIDE || y > height - PATCH_SIDE) return false;
    OfxRectI at = {shown->picture.x1 + (int)x, shown->picture.y1 + (int)y, 0, 0};
    at.x2 = at.x1 + PATCH_SIDE, at.y2 = at.y1 + PATCH_SIDE;
    OfxRectI there = intersect(at, shown->bounds);
    if (memcmp(&there, &at, sizeof at)) return false;
    for (int row = 0; row < PATCH_SIDE; row++) {
        uint16_t half[PATCH_SIDE * 3];
        float expected[PATCH_SIDE * 3], found[PATCH_SIDE * 4];
        const uint8_t *values = patch + PATCH_VALUES + row * PATCH_SIDE * 3 * 2;
        for (int i = 0; i < PATCH_SIDE * 3; i++) half[i] = (uint16_t)(values[2 * i] | values[2 * i + 1] << 8);
        half_to_float(half, expected, PATCH_SIDE * 3);
        load_row(shown, at.x1, at.y1 + row, PATCH_SIDE, found);
        for (int i = 0; i < PATCH_SIDE; i++)
            for (int c = 0; c < 3; c++) sum += fabsf(found[4 * i + c] - expected[3 * i + c]);
    }
    return sum <= tolerance * (PATCH_SIDE * PATCH_SIDE * 3); /* false for what is not a number */
}

/* Whether the host shows the frame that this file was made for: at least 7 of 8 patches agree. */
static bool patches_agree(FileHandle file, const Image *shown, const Wanted *wanted, uint32_t patches) {
    uint8_t part[PATCHES_AT_ONCE * PATCH_BYTES];
    uint32_t wrong = 0, allowed = patches / 8;
    for (uint32_t done = 0; done < patches;) {
        uint32_t count = patches - done < PATCHES_AT_ONCE ? patches - done : PATCHES_AT_ONCE;
        if (!read_at(file, part, count * PATCH_BYTES, FRAME_HEADER_BYTES + (uint64_t)done * PATCH_BYTES)) return false;
        for (uint32_t i = 0; i < count; i++)
            if (!patch_agrees(part + i * PATCH_BYTES, shown, wanted->width, wanted->height) && ++wrong > allowed) return false;
        done += count;
    }
    return patches > 0;
}

/* Whether the header is sound and belongs to what is wanted, and the file has all the pixels that it speaks of. */
static bool parse_frame(const uint8_t *head, uint64_t size, const Wanted *wanted, int64_t job, CachedFrame *frame) {
    if (memcmp(head, FRAME_MAGIC, 8) || get_u32(head + FRAME_VERSION) != PROTOCOL_VERSION) return false;
    if (get_u32(head + FRAME_PATCHES_AT) != FRAME_HEADER_BYTES || get_u32(head + FRAME_PATCH_SIDE) != PATCH_SIDE) return false;
    if (get_u32(head + FRAME_WIDTH) != wanted->width || get_u32(head + FRAME_HEIGHT) != wanted->height) return false;
    if (get_u64(head + FRAME_FRAME) != (uint64_t)wanted->frame || get_u32(head + FRAME_FIT) != frame->fit) return false;
    if (get_u64(head + FRAME_JOB) != (uint64_t)job) return false;
    frame->x = get_u32(head + FRAME_X), frame->y = get_u32(head + FRAME_Y);
    frame->w = get_u32(head + FRAME_W), frame->h = get_u32(head + FRAME_H);
    if (!frame->w || !frame->h || frame->w > wanted->width || frame->h > wanted->height) return false;
    if (frame->x > wanted->width - frame->w || frame->y > wanted->height - frame->h) return false;
    frame->has_alpha = get_u32(head + FRAME_FLAGS) & FRAME_FLAG_ALPHA;
    frame->pixels_at = get_u64(head + FRAME_PIXELS_AT);
    uint32_t patches = get_u32(head + FRAME_PATCHES);
    if (patches > MAX_PATCHES || frame->pixels_at % FRAME_PIXELS_ALIGNMENT) return false;
    if (frame->pixels_at < FRAME_HEADER_BYTES + (uint64_t)patches * PATCH_BYTES || frame->pixels_at > size) return false;
    return (uint64_t)frame->w * frame->h <= (size - frame->pixels_at) / 8;
}

static Lookup try_fit(const char *cache, const Wanted *wanted, int64_t job, const Image *shown, CachedFrame *frame) {
    char path[FOLDER_BYTES + 128];
    uint8_t head[FRAME_HEADER_BYTES];
    uint64_t size = 0;
    snprintf(path, sizeof path, "%s/%016" PRIx64 "/%" PRIu32 "-%" PRId64, cache, key_of(wanted), frame->fit, wanted->frame);
    frame->file = open_file(path, &size, NULL);
    if (frame->file == NO_HANDLE) return FRAME_ABSENT;
    Lookup found = FRAME_ABSENT;
    if (size >= sizeof head && read_at(frame->file, head, sizeof head, 0) && parse_frame(head, size, wanted, job, frame))
        found = patches_agree(frame->file, shown, wanted, get_u32(head + FRAME_PATCHES)) ? FRAME_FOUND : FRAME_DIFFERENT;
    if (found != FRAME_FOUND) {
        close_file(frame->file);
        frame->file = NO_HANDLE;
    }
    return found;
}

Lookup find_frame(const char *cache, const Wanted *wanted, const RestoreState *state, const Image *shown, uint32_t *fit,
                  CachedFrame *frame) {
    Lookup found = FRAME_ABSENT;
    uint32_t last = *fit;
    frame->file = NO_HANDLE;
    if (!*cache) return found;
    for (uint32_t i = 0; i <= state->fits; i++) { /* the one that matched last, then from the newest on */
        uint32_t next = i ? state->fits - i : last;
        if (next >= state->fits || (i && next == last)) continue;
        frame->fit = next;
        Lookup here = try_fit(cache, wanted, state->job_shown, shown, frame);
        if (here == FRAME_FOUND) *fit = next;
        if (here != FRAME_ABSENT) found = here;
        if (here == FRAME_FOUND) break;
    }
    return found;
}
