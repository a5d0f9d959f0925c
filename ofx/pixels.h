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

/* Exact, for every value. */
void half_to_float(const uint16_t *from, float *to, size_t count);

/* To the nearest, ties to even. */
void float_to_half(const float *from, uint16_t *to, size_t count);

/* The address of a pixel, which must be within the bounds. */
uint8_t *pixel_at(const Image *image, int x, int y);

/* `count` pixels of a row as float; black and transparent outside of the bounds. An image without data is all outside. */
void load_row(const Image *image, int x, int y, int count, float *to);

/* The pixels must be within the bounds. */
void store_row(const Image *image, int x, int y, int count, const float *from);

OfxRectI intersect(OfxRectI a, OfxRectI b);
bool is_empty(OfxRectI rect);

#endif
