#include "files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

File files[FILES_MAX];
int file_count;
static const char *home;

void use_home(const char *folder) { home = folder; }

static void add_file(const char *path) {
    int fd = open(path, O_RDONLY);
    struct stat found;
    if (fd < 0 || fstat(fd, &found) || file_count == FILES_MAX) exit(2);
    File *file = &files[file_count++];
    snprintf(file->path, sizeof file->path, "%s", path);
    file->size = (size_t)found.st_size;
    file->whole = malloc(file->size);
    if (read(fd, file->whole, file->size) != (ssize_t)file->size) exit(2);
    close(fd);
    const char *name = strrchr(path, '/') + 1;
    file->frame = name[0] >= '0' && name[0] <= '9' && name[1] == '-' ? atoi(name + 2) : -1;
}

void find_files(void) {
    char path[4096], folder[2048];
    file_count = 0;
    snprintf(path, sizeof path, "%s/run/ofx", home);
    add_file(path);
    snprintf(folder, sizeof folder, "%s/cache/frames", home);
    DIR *keys = opendir(folder);
    for (struct dirent *key; keys && (key = readdir(keys));) {
        if (key->d_name[0] == '.') continue;
        snprintf(folder, sizeof folder, "%s/cache/frames/%s", home, key->d_name);
        DIR *answers = opendir(folder);
        for (struct dirent *answer; answers && (answer = readdir(answers));) {
            if (answer->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", folder, answer->d_name);
            add_file(path);
        }
        closedir(answers);
    }
    closedir(keys);
}

static void put(const File *file, const void *bytes, size_t size, size_t at, size_t length) {
    int fd = open(file->path, O_RDWR | O_CREAT, 0600);
    if (fd < 0) exit(2);
    if (size && pwrite(fd, bytes, size, (off_t)at) != (ssize_t)size) exit(2);
    if (ftruncate(fd, (off_t)length)) exit(2);
    close(fd);
}

static uint32_t any(unsigned *seed) { return (*seed = *seed * 1664525 + 1013904223) >> 4; }

void fuzz_file(File *file, int how, unsigned *seed) {
    static const uint32_t numbers[] = {0,           1,           2,          7,          8,          127,   128,
                                       255,         256,         4095,       4096,       65535,      65536, 0x7fffffff,
                                       0x80000000u, 0xffffffffu, 0x7f800000, 0x7fc00000, 0xff800000u};
    size_t header = file->size < 160 ? file->size : 160; /* most of what is parsed stands there */
    size_t at = any(seed) % (any(seed) % 4 ? header : file->size);
    unsigned char bytes[16];
    uint32_t number = numbers[any(seed) % (sizeof numbers / sizeof *numbers)];
    switch (how % 6) {
    case 0: /* one byte */
    case 1:
        bytes[0] = (unsigned char)any(seed);
        put(file, bytes, 1, at, file->size);
        break;
    case 2: /* a number at its place */
    case 3:
        at -= at % 4;
        if (at + 8 > file->size) at = 0;
        memcpy(bytes, &number, 4);
        memset(bytes + 4, any(seed) % 2 ? 0 : 0xff, 4);
        put(file, bytes, any(seed) % 2 ? 4 : 8, at, file->size);
        break;
    case 4:
        put(file, NULL, 0, 0, any(seed) % 3 ? any(seed) % (file->size + 1) : file->size + any(seed) % 10000);
        break;
    default: /* a stretch of noise */
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)any(seed);
        if (at + sizeof bytes > file->size) at = 0;
        put(file, bytes, file->size < sizeof bytes ? file->size : sizeof bytes, at, file->size);
    }
}

void disturb_file(File *file, int how, unsigned seed) {
    uint32_t number;
    switch (how) {
    case 0:
        put(file, NULL, 0, 0, any(&seed) % file->size);
        break;
    case 1:
        put(file, NULL, 0, 0, 0);
        break;
    case 2:
        unlink(file->path);
        break;
    default: /* noise, but not in pixels, where nothing can tell it from a picture */
        number = any(&seed);
        put(file, &number, 4, any(&seed) % 20 * 4, file->size);
    }
}

void restore_file(const File *file) {
    char fresh[1100];
    int fd;
    snprintf(fresh, sizeof fresh, "%s.new", file->path);
    if (access(file->path, F_OK)) { /* removed: put back as the daemon puts files, by a rename */
        if ((fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600)) < 0) exit(2);
        if (write(fd, file->whole, file->size) != (ssize_t)file->size || rename(fresh, file->path)) exit(2);
        close(fd);
    } else
        put(file, file->whole, file->size, 0, file->size);
}
