/* Linux and macOS. */
#ifndef _WIN32
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int milliseconds) {
    struct timespec rest = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    nanosleep(&rest, NULL);
}

static bool user_folder(char folder[FOLDER_BYTES]) {
    const char *home = getenv("HOME");
    if (home && *home) return snprintf(folder, FOLDER_BYTES, "%s", home) < FOLDER_BYTES;
    char buffer[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) || !found || !found->pw_dir) return false;
    return snprintf(folder, FOLDER_BYTES, "%s", found->pw_dir) < FOLDER_BYTES;
}

bool home_folder(char folder[FOLDER_BYTES]) {
    const char *named = getenv("ANSWERPRINT_HOME");
    char user[FOLDER_BYTES];
    int length;
    if (named && *named && *named != '~') {
        length = snprintf(folder, FOLDER_BYTES, "%s", named);
    } else if (named && (!strcmp(named, "~") || !strncmp(named, "~/", 2))) {
        if (!user_folder(user)) return false;
        length = snprintf(folder, FOLDER_BYTES, "%s%s", user, named + 1);
    } else {
#ifdef __APPLE__
        const char *data = NULL, *below = "/Library/Application Support";
#else
        const char *data = getenv("XDG_DATA_HOME"), *below = "/.local/share";
#endif
        if (data && *data == '/') {
            length = snprintf(folder, FOLDER_BYTES, "%s/answerprint", data);
        } else {
            if (!user_folder(user)) return false;
            length = snprintf(folder, FOLDER_BYTES, "%s%s/answerprint", user, below);
        }
    }
    return length > 0 && length < FOLDER_BYTES;
}

static bool is_private(const struct stat *found) {
    return found->st_uid == geteuid() && !(found->st_mode & 077);
}

Trust folder_trust(const char *folder) {
    struct stat found;
    if (lstat(folder, &found)) return errno == ENOENT || errno == ENOTDIR ? TRUST_ABSENT : TRUST_NO;
    return S_ISDIR(found.st_mode) && is_private(&found) ? TRUST_YES : TRUST_NO;
}

FileHandle open_file(const char *path, uint64_t *size, Trust *trust) {
    /* A pipe in place of a file would block without O_NONBLOCK. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
        if (trust) *trust = errno == ENOENT || errno == ENOTDIR ? TRUST_ABSENT : TRUST_NO;
        return NO_HANDLE;
    }
    struct stat found;
    bool good = !fstat(file, &found) && S_ISREG(found.st_mode) && (!trust || is_private(&found));
    if (trust) *trust = good ? TRUST_YES : TRUST_NO;
    if (!good) {
        close(file);
        return NO_HANDLE;
    }
    *size = (uint64_t)found.st_size;
    return file;
}

bool read_at(FileHandle file, void *into, size_t bytes, uint64_t offset) {
    for (char *to = into; bytes;) {
        ssize_t got = pread((int)file, to, bytes, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        bytes -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

void close_file(FileHandle file) {
    if (file != NO_HANDLE) close((int)file);
}

bool process_lives(int64_t pid) {
    if (pid <= 0 || pid > INT32_MAX) return false;
    return !kill((pid_t)pid, 0) || errno == EPERM;
}

static bool peer_is_ours(int handle) {
#ifdef __APPLE__
    uid_t user;
    gid_t group;
    return !getpeereid(handle, &user, &group) && user == geteuid();
#else
    struct ucred peer;
    socklen_t size = sizeof peer;
    return !getsockopt(handle, SOL_SOCKET, SO_PEERCRED, &peer, &size) && peer.uid == geteuid();
#endif
}

SocketHandle connect_to(const char *address) {
    struct sockaddr_un to;
    memset(&to, 0, sizeof to);
    to.sun_family = AF_UNIX;
    if (strncmp(address, "unix:", 5) || strlen(address + 5) >= sizeof to.sun_path) return NO_HANDLE;
    memcpy(to.sun_path, address + 5, strlen(address + 5));
    int handle = socket(AF_UNIX, SOCK_STREAM, 0);
    if (handle < 0) return NO_HANDLE;
    int room = 1 << 19;
    bool ready = fcntl(handle, F_SETFD, FD_CLOEXEC) >= 0 && fcntl(handle, F_SETFL, O_NONBLOCK) >= 0;
    setsockopt(handle, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
#ifdef SO_NOSIGPIPE
    int yes = 1;
    ready = ready && !setsockopt(handle, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
    if (!ready || connect(handle, (struct sockaddr *)&to, sizeof to) || !peer_is_ours(handle)) {
        close(handle);
        return NO_HANDLE;
    }
    return handle;
}

SendResult send_all(SocketHandle handle, const void *data, size_t bytes) {
#ifdef MSG_NOSIGNAL
    int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
#else
    int flags = MSG_DONTWAIT;
#endif
    ssize_t sent;
    do sent = send((int)handle, data, bytes, flags);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? DROPPED : BROKEN;
    return (size_t)sent == bytes ? SENT : BROKEN;
}

void close_socket(SocketHandle handle) {
    if (handle != NO_HANDLE) close((int)handle);
}

void end_sockets(void) {}
#else
typedef int posix_is_elsewhere;
#endif
