/* A line of text in the picture, in a font of 5 x 7 dots. Small letters are drawn as capitals. */
#include <string.h>

#include "effect.h"

#define GLYPH_WIDTH 5
#define GLYPH_HEIGHT 7
#define ADVANCE 6

typedef struct {
    char letter;
    const char *dots; /* rows from the top, without spaces between them */
} Glyph;

static const Glyph FONT[] = {
    {'A', ".###.#...##...#######...##...##...#"}, {'B', "####.#...##...#####.#...##...#####."},
    {'C', ".###.#...##....#....#....#...#.###."}, {'D', "####.#...##...##...##...##...#####."},
    {'E', "######....#....####.#....#....#####"}, {'F', "######....#....####.#....#....#...."},
    {'G', ".###.#...##....#.####...##...#.###."}, {'H', "#...##...##...#######...##...##...#"},
    {'I', ".###...#....#....#....#....#...###."}, {'J', "..###...#....#....#....#.#..#..##.."},
    {'K', "#...##..#.#.#..##...#.#..#..#.#...#"}, {'L', "#....#....#....#....#....#....#####"},
    {'M', "#...###.###.#.##.#.##...##...##...#"}, {'N', "#...###..##.#.##..###...##...##...#"},
    {'O', ".###.#...##...##...##...##...#.###."}, {'P', "####.#...##...#####.#....#....#...."},
    {'Q', ".###.#...##...##...##.#.##..#..##.#"}, {'R', "####.#...##...#####.#.#..#..#.#...#"},
    {'S', ".#####....#.....###.....#....#####."}, {'T', "#####..#....#....#....#....#....#.."},
    {'U', "#...##...##...##...##...##...#.###."}, {'V', "#...##...##...##...#.#.#..#.#...#.."},
    {'W', "#...##...##...##.#.##.#.###.###...#"}, {'X', "#...##...#.#.#...#...#.#.#...##...#"},
    {'Y', "#...##...#.#.#...#....#....#....#.."}, {'Z', "#####....#...#...#...#...#....#####"},
    {'0', ".###.#...##..###.#.###..##...#.###."}, {'1', "..#...##....#....#....#....#...###."},
    {'2', ".###.#...#....#...#...#...#...#####"}, {'3', "#####...#...#.....#.....##...#.###."},
    {'4', "...#...##..#.#.#..#.#####...#....#."}, {'5', "######....####.....#....##...#.###."},
    {'6', "..##..#...#....####.#...##...#.###."}, {'7', "#####....#...#...#...#....#....#..."},
    {'8', ".###.#...##...#.###.#...##...#.###."}, {'9', ".###.#...##...#.####....#...#..##.."},
    {'%', "##..###..#...#...#...#...#..###..##"}, {'.', "...........................##...##."},
    {',', "......................##....#...#.."}, {':', "......##...##..........##...##....."},
    {'-', "...............#####..............."}, {'/', ".........#...#...#...#...#........."},
    {'\'', ".##....#...#......................."}, {'(', "...#...#...#....#....#.....#.....#."},
    {')', ".#.....#.....#....#....#...#...#..."}, {'?', ".###.#...#....#...#...#.........#.."},
    {' ', "..................................."},
};

static const char *dots_of(char letter) {
    if (letter >= 'a' && letter <= 'z') letter = (char)(letter - 'a' + 'A');
    for (size_t i = 0; i < sizeof FONT / sizeof *FONT; i++)
        if (FONT[i].letter == letter) return FONT[i].dots;
    return dots_of('?');
}

/* Whether there is ink at a dot of the box, whose border is one dot wide; up from its lower left corner. */
static bool has_ink(const char *text, int length, int column, int row) {
    column -= 1, row -= 1;
    if (column < 0 || row < 0 || row >= GLYPH_HEIGHT || column / ADVANCE >= length) return false;
    int within = column % ADVANCE;
    if (within >= GLYPH_WIDTH) return false;
    return dots_of(text[column / ADVANCE])[(GLYPH_HEIGHT - 1 - row) * GLYPH_WIDTH + within] == '#';
}

void draw_badge(const Image *image, OfxRectI window, const char *text) {
    const OfxRectI *picture = &image->picture;
    int width = picture->x2 - picture->x1, height = picture->y2 - picture->y1;
    int dot = height < 720 ? 1 + (height >= 360) : height / 360;
    int room = width / dot / ADVANCE - 2, length = (int)strlen(text);
    if (length > room) length = room;
    if (length <= 0 || height < 2 * (GLYPH_HEIGHT + 2) * dot) return;
    OfxRectI box = {picture->x1 + 4 * dot, picture->y1 + 4 * dot, 0, 0};
    box.x2 = box.x1 + (length * ADVANCE + 1) * dot, box.y2 = box.y1 + (GLYPH_HEIGHT + 2) * dot;
    OfxRectI part = intersect(intersect(box, window), image->bounds);
    for (int y = part.y1; y < part.y2; y++)
        for (int x = part.x1; x < part.x2; x++) {
            float pixel[4];
            load_row(image, x, y, 1, pixel);
            bool ink = has_ink(text, length, (x - box.x1) / dot, (y - box.y1) / dot);
            for (int c = 0; c < 3; c++) pixel[c] = ink ? 0.8f : pixel[c] * 0.25f;
            if (ink) pixel[3] = 1;
            store_row(image, x, y, 1, pixel);
        }
}
