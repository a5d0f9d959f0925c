/* The files of the daemon that the plugin reads, and ways to break them. */
#ifndef TORTURE_FILES_H
#define TORTURE_FILES_H

#include <stddef.h>

enum { FILES_MAX = 256 };

typedef struct {
    char path[1024];
    unsigned char *whole;
    size_t size;
    int frame; /* -1: not that of a frame */
} File;

extern File files[FILES_MAX];
extern int file_count;

void use_home(const char *home);
void find_files(void); /* run/ofx, and all below cache/frames */

void fuzz_file(File *file, int how, unsigned *seed);   /* other bytes, numbers or lengths, in place */
void disturb_file(File *file, int how, unsigned seed); /* while it may be read: cut, removed, exchanged, emptied */
void restore_file(const File *file);

#endif
