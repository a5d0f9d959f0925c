/* What the plugin and the daemon agree on: places of values in files and messages, in bytes. All numbers are
   little-endian. The same layouts stand in daemon/answerprint/ofx/protocol.py; a test holds them equal. */
#ifndef ANSWERPRINT_PROTOCOL_H
#define ANSWERPRINT_PROTOCOL_H

#define PROTOCOL_VERSION 1
#define RENDEZVOUS_FIRST_LINE "answerprint-ofx 1"
#define TOKEN_BYTES 32
#define MAX_FITS 8
#define MAX_PATH_BYTES 16384

/* <cache>/<key>/status */
#define STATUS_MAGIC "APSTATUS"
#define STATUS_MAX_BYTES 65536
#define STATUS_HEADER_BYTES 88
#define STATUS_VERSION 8
#define STATUS_BYTES 12
#define STATUS_STATE 16
#define STATUS_PROGRESS 20
#define STATUS_FIRST 24
#define STATUS_STOP 32
#define STATUS_FITS 40
#define STATUS_FLAGS 44
#define STATUS_JOB_ASKED 48
#define STATUS_JOB_SHOWN 56
#define STATUS_WIDTH 64
#define STATUS_HEIGHT 68
#define STATUS_RESIDUAL 72
#define STATUS_TEXT_BYTES 80
#define STATUS_PATH_BYTES 84

#define STATUS_FLAG_WANTS_SAMPLES 1u
#define STATUS_FLAG_NO_FIT 2u

#define STATE_NOTHING 0u
#define STATE_QUEUED 1u
#define STATE_RUNNING 2u
#define STATE_DONE 3u
#define STATE_FAILED 4u
#define STATE_PAUSED 5u
#define STATE_REFUSED 6u

/* <cache>/<key>/<fit>-<frame> */
#define FRAME_MAGIC "APFRAME\0"
#define FRAME_HEADER_BYTES 128
#define FRAME_VERSION 8
#define FRAME_PATCHES_AT 12
#define FRAME_X 16
#define FRAME_Y 20
#define FRAME_W 24
#define FRAME_H 28
#define FRAME_WIDTH 32
#define FRAME_HEIGHT 36
#define FRAME_FRAME 40
#define FRAME_FIT 48
#define FRAME_FLAGS 52
#define FRAME_PATCHES 56
#define FRAME_PATCH_SIDE 60
#define FRAME_RESIDUAL 64
#define FRAME_JOB 72
#define FRAME_PIXELS_AT 80

#define FRAME_FLAG_ALPHA 1u
#define FRAME_PIXELS_ALIGNMENT 4096

/* Patches, between the header of a frame and its pixels. */
#define PATCH_X 0
#define PATCH_Y 4
#define PATCH_TOLERANCE 8
#define PATCH_VALUES 12
#define PATCH_SIDE 8
#define PATCH_BYTES (PATCH_VALUES + PATCH_SIDE * PATCH_SIDE * 3 * 2)
#define MAX_PATCHES 256

/* Messages to the daemon. */
#define MESSAGE_MAX_BYTES 1048576
#define MESSAGE_HEADER_BYTES 104
#define MESSAGE_BYTES 0
#define MESSAGE_VERSION 4
#define MESSAGE_TOKEN 8
#define MESSAGE_KIND 40
#define MESSAGE_FLAGS 44
#define MESSAGE_FRAME 48
#define MESSAGE_JOB 56
#define MESSAGE_WIDTH 64
#define MESSAGE_HEIGHT 68
#define MESSAGE_SAMPLES_W 72
#define MESSAGE_SAMPLES_H 76
#define MESSAGE_FIRST 80
#define MESSAGE_STOP 88
#define MESSAGE_PATH_BYTES 96

#define KIND_WANTED 1u
#define KIND_RESTORE 2u
#define KIND_AT 3u

#define MESSAGE_FLAG_SAMPLES 1u
#define MESSAGE_FLAG_FINAL 2u
#define MESSAGE_FLAG_OFFSET 4u

#define MAX_SAMPLES_W 128
#define MAX_SAMPLES_H 72

#define INTERVAL_AT_MS 20
#define INTERVAL_SAMPLES_MS 500
#define INTERVAL_CONNECT_MS 500

#endif
