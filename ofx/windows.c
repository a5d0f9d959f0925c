/* Windows. The program's folder lies in the user's profile, which Windows keeps from other users. */
#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include "platform.h"

#include <winsock2.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDE_PATH 4096

static bool sockets_started; /* Only touched while the connection is locked, or in Unload. */

int64_t now_ms(void) { return (int64_t)GetTickCount64(); }

void sleep_ms(int milliseconds) { Sleep((DWORD)milliseconds); }

static bool widen(const char *path, wchar_t wide[WIDE_PATH]) {
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, WIDE_PATH) > 0;
}

/* A variable of the environment, in UTF-8 and with slashes; false if it is not set. */
static bool variable(const wchar_t *name, char value[FOLDER_BYTES]) {
    wchar_t wide[FOLDER_BYTES];
    DWORD length = GetEnvironmentVariableW(name, wide, FOLDER_BYTES);
    if (!length || length >= FOLDER_BYTES) return false;
    if (!WideCharToMultiByte(CP_UTF8, 0, wide, -1, value, FOLDER_BYTES, NULL, NULL)) return false;
    for (char *at = value; *at; at++)
        if (*at == '\\') *at = '/';
    return true;
}

static bool is_absolute(const char *path) {
    return (path[0] && path[1] == ':' && path[2] == '/') || (path[0] == '/' && path[1] == '/');
}

bool home_folder(char folder[FOLDER_BYTES]) {
    char base[FOLDER_BYTES];
    int length;
    if (variable(L"ANSWERPRINT_HOME", base)) {
        char user[FOLDER_BYTES] = "";
        bool below = base[0] == '~' && (!base[1] || base[1] == '/');
        if (below && !variable(L"USERPROFILE", user)) return false;
        length = snprintf(folder, FOLDER_BYTES, "%s%s", user, below ? base + 1 : base);
    } else if (variable(L"LOCALAPPDATA", base) && is_absolute(base)) {
        length = snprintf(folder, FOLDER_BYTES, "%s/answerprint", base);
    } else {
        if (!variable(L"USERPROFILE", base)) return false;
        length = snprintf(folder, FOLDER_BYTES, "%s/AppData/Local/answerprint", base);
    }
    return length > 0 && length < FOLDER_BYTES;
}

Trust folder_trust(const char *folder) {
    wchar_t wide[WIDE_PATH];
    if (!widen(folder, wide)) return TRUST_NO;
    DWORD found = GetFileAttributesW(wide);
    if (found == INVALID_FILE_ATTRIBUTES) return TRUST_ABSENT;
    return (found & FILE_ATTRIBUTE_DIRECTORY) && !(found & FILE_ATTRIBUTE_REPARSE_POINT) ? TRUST_YES : TRUST_NO;
}

FileHandle open_file(const char *path, uint64_t *size, Trust *trust) {
    wchar_t wide[WIDE_PATH];
    if (trust) *trust = TRUST_NO;
    if (!widen(path, wide)) return NO_HANDLE;
    HANDLE file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        if (trust) *trust = TRUST_ABSENT;
        return NO_HANDLE;
    }
    BY_HANDLE_FILE_INFORMATION found;
    if (GetFileType(file) != FILE_TYPE_DISK || !GetFileInformationByHandle(file, &found) ||
        (found.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT))) {
        CloseHandle(file);
        return NO_HANDLE;
    }
    *size = (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow;
    if (trust) *trust = TRUST_YES;
    return (FileHandle)file;
}

bool read_at(FileHandle file, void *into, size_t bytes, uint64_t offset) {
    for (char *to = into; bytes;) {
        OVERLAPPED place;
        memset(&place, 0, sizeof place);
        place.Offset = (DWORD)offset;
        place.OffsetHigh = (DWORD)(offset >> 32);
        DWORD got = 0, wanted = bytes > (1u << 20) ? 1u << 20 : (DWORD)bytes;
        if (!ReadFile((HANDLE)file, to, wanted, &got, &place) || !got) return false;
        to += got;
        bytes -= got;
        offset += got;
    }
    return true;
}

void close_file(FileHandle file) {
    if (file != NO_HANDLE) CloseHandle((HANDLE)file);
}

bool process_lives(int64_t pid) {
    if (pid <= 0 || pid > UINT32_MAX) return false;
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)pid);
    if (!process) return GetLastError() == ERROR_ACCESS_DENIED;
    bool lives = WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
    CloseHandle(process);
    return lives;
}

SocketHandle connect_to(const char *address) {
    unsigned int port = 0;
    char rest = 0;
    if (sscanf(address, "127.0.0.1:%5u%c", &port, &rest) != 1 || !port || port > 65535) return NO_HANDLE;
    if (!sockets_started) {
        WSADATA about;
        if (WSAStartup(MAKEWORD(2, 2), &about)) return NO_HANDLE;
        sockets_started = true;
    }
    SOCKET handle = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (handle == INVALID_SOCKET) return NO_HANDLE;
    u_long yes = 1;
    int room = 1 << 19;
    setsockopt(handle, SOL_SOCKET, SO_SNDBUF, (const char *)&room, sizeof room);
    struct sockaddr_in to;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons((u_short)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool ready = !ioctlsocket(handle, FIONBIO, &yes);
    if (!ready || (connect(handle, (struct sockaddr *)&to, sizeof to) && WSAGetLastError() != WSAEWOULDBLOCK)) {
        closesocket(handle);
        return NO_HANDLE;
    }
    return (SocketHandle)handle;
}

SendResult send_all(SocketHandle handle, const void *data, size_t bytes) {
    int sent = send((SOCKET)handle, data, (int)bytes, 0);
    if (sent >= 0) return (size_t)sent == bytes ? SENT : BROKEN;
    int error = WSAGetLastError();
    if (error != WSAENOTCONN) return error == WSAEWOULDBLOCK || error == WSAENOBUFS ? DROPPED : BROKEN;
    /* Still connecting, which takes Windows a moment even to the same machine; or refused. */
    int refused = 0, size = sizeof refused;
    getsockopt((SOCKET)handle, SOL_SOCKET, SO_ERROR, (char *)&refused, &size);
    return refused ? BROKEN : DROPPED;
}

void close_socket(SocketHandle handle) {
    if (handle != NO_HANDLE) closesocket((SOCKET)handle);
}

void end_sockets(void) {
    if (sockets_started) WSACleanup();
    sockets_started = false;
}
#else
typedef int windows_is_elsewhere;
#endif
