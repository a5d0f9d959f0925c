/* Pictures of the host, and half floats. */
#ifndef ANSWERPRINT_PIXELS_H
#define ANSWERPRINT_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openfx.h"

/* RGBA in float or half. bounds: where there are pixels. picture: the whole picture, of which they are a part. Both in
   pixels, lower left origin. row_bytes: of the lowest row to the next; may be negative. */
typedef struct {
    OfxPropertySetHandle handle;
    uint8_t *data;
    ptrdiff_t row_bytes;
    OfxRectI bounds, picture;
    bool half, premultiplied, opaque;
} Image;

/* Chooses the fastest way that this processor has; once, before the functions below. */
void pixels_load(void);

/* Exact, for every value. */
void half_to_float(const uint16_t *from, float *to, size_t count);

/* To the nearest, ties to even. */
void float_to_half(const float *from, uint16_t *to, size_t count);

/* The address of a pixel, which must be within the bounds. */
uint8_t *pixel_at(const Image *image, int x, int y);

/* `count` pixels of a row as float; black and transparent outside of the bounds. An image without data is all outside. */
void load_row(const Image *image, int x, int y, int count, float *to);

/* The same, but without copying what need not be copied: either in the image, or in the room given for it. */
const float *row_of(const Image *image, int x, int y, int count, float *room);
bool has_row(const Image *image, int x, int y, int count);

/* The pixels must be within the bounds. */
void store_row(const Image *image, int x, int y, int count, const float *from);

/* Copies what is not read again soon past the processor's caches, which makes large pictures twice as fast. Call
   finish_copies afterwards, before another thread reads it. */
void copy_past_caches(void *to, const void *from, size_t bytes);
void finish_copies(void);

OfxRectI intersect(OfxRectI a, OfxRectI b);
bool is_empty(OfxRectI rect);

#endif
