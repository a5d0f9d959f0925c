#include "daemon.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RENDEZVOUS_MAX_BYTES 8192

static char home[FOLDER_BYTES]; /* Empty if there is none. Written in Load only. */

/* One connection of the process. Whoever holds `busy` may touch the rest. */
static struct {
    atomic_flag busy;
    SocketHandle handle;
    uint8_t token[TOKEN_BYTES];
    int64_t retry_ms;
    uint8_t message[MESSAGE_HEADER_BYTES + MAX_PATH_BYTES + MAX_SAMPLES_W * MAX_SAMPLES_H * 6];
} connection = {.busy = ATOMIC_FLAG_INIT, .handle = NO_HANDLE};

static atomic_bool silent;

uint32_t get_u32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t get_u64(const uint8_t *at) { return get_u32(at) | (uint64_t)get_u32(at + 4) << 32; }

float get_f32(const uint8_t *at) {
    uint32_t bits = get_u32(at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static void put_u64(uint8_t *at, uint64_t value) {
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

void daemon_load(void) {
    if (!home_folder(home)) home[0] = 0;
    connection.handle = NO_HANDLE;
    connection.retry_ms = 0;
    atomic_flag_clear(&connection.busy);
    atomic_store(&silent, false);
}

void daemon_unload(void) {
    close_socket(connection.handle);
    connection.handle = NO_HANDLE;
    end_sockets();
}

bool daemon_is_silent(void) { return atomic_load(&silent); }

/* The next line, without its end; NULL after the last one. */
static char *next_line(char **rest) {
    char *line = *rest, *end = line ? strchr(line, '\n') : NULL;
    if (!end) return NULL;
    *end = 0;
    if (end > line && end[-1] == '\r') end[-1] = 0;
    *rest = end + 1;
    return line;
}

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

static bool parse_token(const char *text, uint8_t token[TOKEN_BYTES]) {
    if (strlen(text) != 2 * TOKEN_BYTES) return false;
    for (int i = 0; i < TOKEN_BYTES; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        token[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool parse_rendezvous(char *text, Rendezvous *found) {
    char *first = next_line(&text), *address = next_line(&text), *token = next_line(&text);
    char *pid = next_line(&text), *cache = next_line(&text);
    if (!cache || strcmp(first, RENDEZVOUS_FIRST_LINE)) return false;
    if (strlen(address) >= sizeof found->address || strlen(cache) >= sizeof found->cache || !*cache) return false;
    if (!parse_token(token, found->token)) return false;
    found->pid = strtoll(pid, NULL, 10);
    strcpy(found->address, address);
    strcpy(found->cache, cache);
    return true;
}

static Trust read_rendezvous_file(Rendezvous *found) {
    char path[FOLDER_BYTES + 16], text[RENDEZVOUS_MAX_BYTES + 1];
    uint64_t size = 0;
    Trust trust;
    snprintf(path, sizeof path, "%s/run", home);
    if ((trust = folder_trust(path)) != TRUST_YES) return trust;
    snprintf(path, sizeof path, "%s/run/ofx", home);
    FileHandle file = open_file(path, &size, &trust);
    if (file == NO_HANDLE) return trust;
    bool whole = size <= RENDEZVOUS_MAX_BYTES && read_at(file, text, (size_t)size, 0);
    close_file(file);
    if (!whole) return TRUST_ABSENT;
    text[size] = 0;
    return parse_rendezvous(text, found) ? TRUST_YES : TRUST_ABSENT;
}

void read_rendezvous(Rendezvous *found) {
    memset(found, 0, sizeof *found);
    found->trust = TRUST_ABSENT;
    if (!home[0]) return;
    snprintf(found->cache, sizeof found->cache, "%s/cache/frames", home);
    found->trust = read_rendezvous_file(found);
    if (found->trust == TRUST_NO || folder_trust(found->cache) == TRUST_NO) {
        found->trust = TRUST_NO;
        found->cache[0] = 0;
    }
}

/* Single pixels of the picture, on a lattice, lowest row first. Returns the bytes written. */
static size_t put_samples(uint8_t *to, const Question *question, uint32_t across, uint32_t up) {
    const Image *image = question->samples;
    uint8_t *at = to;
    for (uint32_t j = 0; j < up; j++) {
        int y = image->picture.y1 + (int)(((uint64_t)2 * j + 1) * question->height / (2 * up));
        for (uint32_t i = 0; i < across; i++, at += 6) {
            int x = image->picture.x1 + (int)(((uint64_t)2 * i + 1) * question->width / (2 * across));
            float pixel[4];
            uint16_t half[4];
            load_row(image, x, y, 1, pixel);
            float_to_half(pixel, half, 4);
            for (int c = 0; c < 3; c++) at[2 * c] = (uint8_t)half[c], at[2 * c + 1] = (uint8_t)(half[c] >> 8);
        }
    }
    return (size_t)(at - to);
}

static size_t put_message(uint8_t *to, const Rendezvous *at, const Question *question) {
    uint32_t across = 0, up = 0;
    if (question->samples) {
        across = question->width < MAX_SAMPLES_W ? question->width : MAX_SAMPLES_W;
        up = question->height < MAX_SAMPLES_H ? question->height : MAX_SAMPLES_H;
    }
    memset(to, 0, MESSAGE_HEADER_BYTES);
    put_u32(to + MESSAGE_VERSION, PROTOCOL_VERSION);
    memcpy(to + MESSAGE_TOKEN, at->token, TOKEN_BYTES);
    put_u32(to + MESSAGE_KIND, question->kind);
    put_u32(to + MESSAGE_FLAGS, question->flags | (question->samples ? MESSAGE_FLAG_SAMPLES : 0));
    put_u64(to + MESSAGE_FRAME, (uint64_t)question->frame);
    put_u64(to + MESSAGE_JOB, (uint64_t)question->job);
    put_u32(to + MESSAGE_WIDTH, question->width);
    put_u32(to + MESSAGE_HEIGHT, question->height);
    put_u32(to + MESSAGE_SAMPLES_W, across);
    put_u32(to + MESSAGE_SAMPLES_H, up);
    put_u64(to + MESSAGE_FIRST, (uint64_t)question->first);
    put_u64(to + MESSAGE_STOP, (uint64_t)question->stop);
    put_u32(to + MESSAGE_PATH_BYTES, question->path_bytes);
    memcpy(to + MESSAGE_HEADER_BYTES, question->path, question->path_bytes);
    size_t bytes = MESSAGE_HEADER_BYTES + question->path_bytes;
    if (question->samples) bytes += put_samples(to + bytes, question, across, up);
    put_u32(to + MESSAGE_BYTES, (uint32_t)(bytes - 4));
    return bytes;
}

/* The connection must be held. A new daemon has a new token. */
static bool connected(const Rendezvous *at) {
    if (connection.handle != NO_HANDLE && !memcmp(connection.token, at->token, TOKEN_BYTES)) return true;
    close_socket(connection.handle);
    connection.handle = NO_HANDLE;
    bool same = !memcmp(connection.token, at->token, TOKEN_BYTES);
    if (same && now_ms() < connection.retry_ms) return false;
    memcpy(connection.token, at->token, TOKEN_BYTES);
    connection.retry_ms = now_ms() + INTERVAL_CONNECT_MS;
    connection.handle = connect_to(at->address);
    return connection.handle != NO_HANDLE;
}

bool ask_daemon(const Rendezvous *at, const Question *question) {
    if (at->trust != TRUST_YES || question->path_bytes > MAX_PATH_BYTES) return false;
    if (atomic_flag_test_and_set_explicit(&connection.busy, memory_order_acquire)) return false;
    size_t bytes = put_message(connection.message, at, question);
    SendResult result = BROKEN;
    bool reached = false;
    for (int attempt = 0; attempt < 2 && result == BROKEN; attempt++) {
        if (!connected(at)) break;
        reached = true;
        result = send_all(connection.handle, connection.message, bytes);
        if (result == BROKEN) {
            close_socket(connection.handle);
            connection.handle = NO_HANDLE;
            reached = false;
        }
    }
    atomic_store(&silent, !reached);
    atomic_flag_clear_explicit(&connection.busy, memory_order_release);
    return result == SENT;
}
