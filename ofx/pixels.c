#include "pixels.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Without branches, so that compilers make vectors of it. No step meets a subnormal float, because hosts may have told
   the processor to take those for zero. */
static void convert_halves(const uint16_t *restrict from, float *restrict to, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t half = from[i];
        uint32_t rest = (half & 0x7fffu) << 13;
        uint32_t normal = rest + (112u << 23) + (rest >= 31u << 23 ? 112u << 23 : 0u);
        uint32_t small = bits_of(float_of(rest + (113u << 23)) - float_of(113u << 23));
        uint32_t bits = (rest < 1u << 23 ? small : normal) | (half & 0x8000u) << 16;
        memcpy(to + i, &bits, sizeof bits);
    }
}

static void (*convert)(const uint16_t *restrict, float *restrict, size_t) = convert_halves;

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) static void convert_halves_by_f16c(const uint16_t *restrict from, float *restrict to,
                                                                       size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from + i))));
    convert_halves(from + i, to + i, count - i);
}

/* The processor must have both, and the system must save the wide registers. */
static bool has_f16c(void) {
    unsigned int a, b, c, d, low, high;
    const unsigned int wanted = 1u << 27 | 1u << 28 | 1u << 29; /* OSXSAVE, AVX, F16C */
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & wanted) != wanted) return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return (low & 6u) == 6u;
}

void pixels_load(void) { convert = has_f16c() ? convert_halves_by_f16c : convert_halves; }

void copy_past_caches(void *to, const void *from, size_t bytes) {
    size_t done = 0;
    char *target = to;
    const char *source = from;
    if (bytes < 1024 || (uintptr_t)to % 16) {
        memcpy(to, from, bytes);
        return;
    }
    for (; done + 64 <= bytes; done += 64) {
        __m128i part[4];
        for (int i = 0; i < 4; i++) part[i] = _mm_loadu_si128((const __m128i *)(const void *)(source + done + 16 * i));
        for (int i = 0; i < 4; i++) _mm_stream_si128((__m128i *)(void *)(target + done + 16 * i), part[i]);
    }
    memcpy(target + done, source + done, bytes - done);
}

void finish_copies(void) { _mm_sfence(); }
#else
void pixels_load(void) {}

void copy_past_caches(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }

void finish_copies(void) {}
#endif

void half_to_float(const uint16_t *from, float *to, size_t count) { convert(from, to, count); }

void float_to_half(const float *restrict from, uint16_t *restrict to, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = bits_of(from[i]), sign = bits >> 16 & 0x8000u, rest = bits & 0x7fffffffu;
        /* Adding a half rounds what is below the smallest normal half to a multiple of the smallest one. */
        uint32_t small = bits_of(float_of(rest) + 0.5f) - (126u << 23);
        uint32_t normal = (rest - (112u << 23) + 0xfffu + (rest >> 13 & 1u)) >> 13;
        uint32_t large = rest > 255u << 23 ? 0x7e00u | (rest >> 13 & 0x3ffu) : 0x7c00u;
        uint32_t half = rest < 113u << 23 ? small : rest < 0x477ff000u ? normal : large;
        to[i] = (uint16_t)(half | sign);
    }
}

static size_t pixel_bytes(const Image *image) { return image->half ? 8 : 16; }

uint8_t *pixel_at(const Image *image, int x, int y) {
    ptrdiff_t row = (ptrdiff_t)y - image->bounds.y1, column = (ptrdiff_t)x - image->bounds.x1;
    return image->data + row * image->row_bytes + column * (ptrdiff_t)pixel_bytes(image);
}

void load_row(const Image *image, int x, int y, int count, float *to) {
    OfxRectI wanted = {x, y, x + count, y + 1};
    OfxRectI there = intersect(wanted, image->bounds);
    if (!image->data || is_empty(there)) {
        memset(to, 0, (size_t)count * 16);
        return;
    }
    size_t before = (size_t)(there.x1 - x) * 4, inside = (size_t)(there.x2 - there.x1) * 4;
    memset(to, 0, before * 4);
    if (image->half) half_to_float((const uint16_t *)(const void *)pixel_at(image, there.x1, y), to + before, inside);
    else memcpy(to + before, pixel_at(image, there.x1, y), inside * 4);
    memset(to + before + inside, 0, ((size_t)count * 4 - before - inside) * 4);
}

bool has_row(const Image *image, int x, int y, int count) {
    const OfxRectI *bounds = &image->bounds;
    return image->data && y >= bounds->y1 && y < bounds->y2 && x >= bounds->x1 && x + count <= bounds->x2;
}

const float *row_of(const Image *image, int x, int y, int count, float *room) {
    if (!image->half && has_row(image, x, y, count)) return (const float *)(const void *)pixel_at(image, x, y);
    load_row(image, x, y, count, room);
    return room;
}

void store_row(const Image *image, int x, int y, int count, const float *from) {
    uint8_t *to = pixel_at(image, x, y);
    if (image->half) float_to_half(from, (uint16_t *)(void *)to, (size_t)count * 4);
    else memcpy(to, from, (size_t)count * 16);
}

OfxRectI intersect(OfxRectI a, OfxRectI b) {
    OfxRectI both = {a.x1 > b.x1 ? a.x1 : b.x1, a.y1 > b.y1 ? a.y1 : b.y1, a.x2 < b.x2 ? a.x2 : b.x2, a.y2 < b.y2 ? a.y2 : b.y2};
    return both;
}

bool is_empty(OfxRectI rect) { return rect.x1 >= rect.x2 || rect.y1 >= rect.y2; }
