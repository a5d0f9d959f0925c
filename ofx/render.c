/* Render: look for the restored frame, show it or the source, and tell the daemon. It never waits, but in a final render
   whose user asked for that. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render.h"

#define FARTHEST (1 << 24) /* pixels from the origin; beyond, a host's numbers are not believed */
#define WAIT_MS 10000
#define WAIT_STEP_MS 20

static bool get_rect(OfxPropertySetHandle set, const char *name, OfxRectI *rect) {
    int values[4];
    if (host.property->getIntN(set, name, 4, values)) return false;
    for (int i = 0; i < 4; i++)
        if (values[i] < -FARTHEST || values[i] > FARTHEST) return false;
    *rect = (OfxRectI){values[0], values[1], values[2], values[3]};
    return true;
}

static bool fill_image(Image *image) {
    const char *depth = get_string(image->handle, OFX_DEPTH), *components = get_string(image->handle, OFX_COMPONENTS);
    void *data = NULL;
    int row_bytes;
    if (!depth || !components || strcmp(components, OFX_RGBA)) return false;
    image->half = !strcmp(depth, OFX_HALF);
    if (!image->half && strcmp(depth, OFX_FLOAT)) return false;
    if (host.property->getPointer(image->handle, OFX_DATA, 0, &data) || !data) return false;
    if (host.property->getInt(image->handle, OFX_ROW_BYTES, 0, &row_bytes)) return false;
    if (!get_rect(image->handle, OFX_BOUNDS, &image->bounds) || is_empty(image->bounds)) return false;
    int64_t least = (int64_t)(image->bounds.x2 - image->bounds.x1) * (image->half ? 8 : 16);
    int unit = image->half ? 2 : 4;
    bool one_row = image->bounds.y2 - image->bounds.y1 == 1;
    if ((!one_row && (row_bytes < 0 ? -(int64_t)row_bytes : row_bytes) < least) || row_bytes % unit || (uintptr_t)data % (uintptr_t)unit)
        return false;
    image->data = data;
    image->row_bytes = row_bytes;
    OfxRectI both;
    if (!get_rect(image->handle, OFX_IMAGE_DEFINITION, &image->picture)) image->picture = image->bounds;
    both = intersect(image->picture, image->bounds);
    if (memcmp(&both, &image->bounds, sizeof both)) image->picture = image->bounds;
    const char *alpha = get_string(image->handle, OFX_PREMULTIPLICATION);
    image->premultiplied = alpha && !strcmp(alpha, OFX_PREMULTIPLIED);
    image->opaque = alpha && !strcmp(alpha, OFX_OPAQUE);
    return true;
}

static void release_image(Image *image) {
    if (image->handle) host.effect->clipReleaseImage(image->handle);
    memset(image, 0, sizeof *image);
}

static bool fetch_image(OfxClipHandle clip, double time, Image *image) {
    memset(image, 0, sizeof *image);
    if (host.effect->clipGetImage(clip, time, NULL, &image->handle)) image->handle = NULL;
    if (image->handle && fill_image(image)) return true;
    release_image(image);
    return false;
}

/* Whether the result is for more than the screen, as far as the host tells; if it tells nothing, it is. */
static bool is_final(const Instance *self, OfxPropertySetHandle in) {
    if (get_int(host.host->host, OFX_IS_BACKGROUND, 0)) return true;
    if (get_int(in, OFX_INTERACTIVE_STATUS, 0)) return false;
    int sequence = atomic_load(&self->sequence);
    return sequence >= 0 ? !sequence : !get_int(self->properties, OFX_IS_INTERACTIVE, 0);
}

/* The border of the wipe, in pixels: a point on it, and the direction to the restored side. */
static void place_wipe(Render *r, OfxPropertySetHandle in) {
    double scale[2] = {1, 1}, aspect = 1;
    bool fraction = true;
    const OfxRectI *picture = &r->source.picture;
    OfxPointD at;
    if (!wipe_position(r->self, r->time, &at, &fraction)) at = (OfxPointD){0.5, 0.5};
    if (fraction) {
        r->wipe_x = picture->x1 + at.x * (picture->x2 - picture->x1);
        r->wipe_y = picture->y1 + at.y * (picture->y2 - picture->y1);
    } else {
        host.property->getDoubleN(in, OFX_RENDER_SCALE, 2, scale);
        if (host.property->getDouble(r->source.handle, OFX_PIXEL_ASPECT, 0, &aspect) || !(aspect > 0)) aspect = 1;
        r->wipe_x = at.x * scale[0] / aspect;
        r->wipe_y = at.y * scale[1];
    }
    double angle = double_at(r->self, PARAM_WIPE_ANGLE, r->time) * (3.14159265358979323846 / 180);
    r->wipe_cos = cos(angle), r->wipe_sin = sin(angle);
    if (!isfinite(r->wipe_x)) r->wipe_x = 0;
    if (!isfinite(r->wipe_y)) r->wipe_y = 0;
}

static void read_settings(Render *r, OfxPropertySetHandle in) {
    double strength = double_at(r->self, PARAM_STRENGTH, r->time);
    const char *field = get_string(in, OFX_FIELD);
    r->show = int_at(r->self, PARAM_SHOW, r->time);
    r->strength = strength > 0 ? strength < 1 ? (float)strength : 1.0f : 0.0f;
    r->one_field = field && (!strcmp(field, OFX_FIELD_LOWER) || !strcmp(field, OFX_FIELD_UPPER));
    r->final = is_final(r->self, in);
    r->thumbnail = get_int(r->self->source_properties, RESOLVE_THUMBNAIL, 0) != 0;
    if (r->show == SHOW_WIPE) place_wipe(r, in);
}

/* Which frame of which file; the path is empty if nobody has said. */
static void choose_frame(Render *r, OfxPropertySetHandle in, char *path) {
    bool offset;
    int number;
    double exact;
    Wanted *wanted = &r->wanted;
    wanted->path = path;
    wanted->path_bytes = source_file(r->self, path, &offset);
    wanted->job = int_at(r->self, PARAM_RESTORATION, r->time);
    wanted->width = (uint32_t)(r->source.picture.x2 - r->source.picture.x1);
    wanted->height = (uint32_t)(r->source.picture.y2 - r->source.picture.y1);
    atomic_store(&r->self->width, wanted->width);
    atomic_store(&r->self->height, wanted->height);
    r->question_flags = (r->final ? MESSAGE_FLAG_FINAL : 0) | (offset ? MESSAGE_FLAG_OFFSET : 0);
    if (offset) {
        wanted->frame = frame_by_offset(r->self, r->time);
        return;
    }
    if (!host.property->getInt(in, RESOLVE_FRAME, 0, &number)) wanted->frame = number;
    else if (!host.property->getDouble(in, RESOLVE_FRAME, 0, &exact)) wanted->frame = whole(exact);
    else wanted->path_bytes = 0;
    atomic_store(&r->self->time, whole(r->time));
    atomic_store(&r->self->time_to_frame, wanted->frame - whole(r->time));
    atomic_store(&r->self->time_is_known, wanted->path_bytes > 0);
}

static void look(Render *r) {
    uint32_t fit = atomic_load(&r->self->fit);
    read_rendezvous(&r->daemon);
    read_state(r->daemon.cache, &r->wanted, &r->state);
    r->lookup = find_frame(r->daemon.cache, &r->wanted, &r->state, &r->source, &fit, &r->frame);
    if (r->lookup == FRAME_FOUND) atomic_store(&r->self->fit, fit);
}

/* Whether so many milliseconds have passed since the last time that this was so; for one of several threads only. */
static bool is_due(atomic_llong *last, int64_t interval) {
    long long now = now_ms(), before = atomic_load(last);
    if (before && now - before < interval) return false;
    return atomic_compare_exchange_strong(last, &before, now ? now : 1);
}

static void tell_daemon(Render *r) {
    bool found = r->lookup == FRAME_FOUND;
    if (r->thumbnail || (found && !is_due(&r->self->at_ms, INTERVAL_AT_MS))) return;
    Question question = {.kind = found ? KIND_AT : KIND_WANTED, .flags = r->question_flags, .frame = r->wanted.frame,
                         .job = r->wanted.job, .width = r->wanted.width, .height = r->wanted.height,
                         .path = r->wanted.path, .path_bytes = r->wanted.path_bytes};
    bool compare = (r->state.flags & STATUS_FLAG_WANTS_SAMPLES) || r->lookup == FRAME_DIFFERENT;
    long long before = atomic_load(&r->self->samples_ms);
    if (compare && is_due(&r->self->samples_ms, INTERVAL_SAMPLES_MS)) question.samples = &r->source;
    if (!ask_daemon(&r->daemon, &question) && question.samples) atomic_store(&r->self->samples_ms, before);
}

static bool may_come(const Render *r) {
    if (r->daemon.trust != TRUST_YES || daemon_is_silent() || !process_lives(r->daemon.pid)) return false;
    if (!r->state.there) return true;
    if (r->lookup == FRAME_DIFFERENT && (r->state.flags & STATUS_FLAG_NO_FIT)) return false;
    bool known = r->state.first < r->state.stop;
    if (known && (r->wanted.frame < r->state.first || r->wanted.frame >= r->state.stop)) return false;
    return r->state.state == STATE_QUEUED || r->state.state == STATE_RUNNING || r->state.state == STATE_DONE;
}

static void wait_for_frame(Render *r) {
    int64_t end = now_ms() + WAIT_MS, next_question = 0;
    while (r->lookup != FRAME_FOUND && may_come(r) && now_ms() < end && !host.effect->abort(r->self->handle)) {
        if (now_ms() >= next_question) {
            tell_daemon(r);
            next_question = now_ms() + INTERVAL_SAMPLES_MS;
        }
        sleep_ms(WAIT_STEP_MS);
        look(r);
    }
}

static const char *reason(const Render *r, char *text, size_t room) {
    const RestoreState *state = &r->state;
    if (!r->wanted.path_bytes) return "choose the file";
    if (r->daemon.trust == TRUST_NO) return "folder is not private: run answerprint doctor";
    if (r->one_field) return "single fields are not shown";
    if (r->lookup == FRAME_DIFFERENT) return "not the source's picture: put this node first";
    if (r->daemon.trust == TRUST_ABSENT || daemon_is_silent()) return "no daemon";
    if (!state->there) return "asking";
    bool known = state->first < state->stop;
    if (known && (r->wanted.frame < state->first || r->wanted.frame >= state->stop)) return "outside the restored range";
    if (state->state == STATE_NOTHING) return "not restored";
    if (state->state == STATE_QUEUED) return "queued";
    if (state->state == STATE_PAUSED) return "paused";
    if (state->state == STATE_DONE) return "loading";
    if (state->state == STATE_RUNNING) snprintf(text, room, "%u %%", (unsigned)state->progress / 100);
    else snprintf(text, room, "%s: %s", state->state == STATE_FAILED ? "failed" : "refused", state->text);
    return text;
}

static void put_badge(const Render *r) {
    char text[600], line[640];
    if (r->lookup == FRAME_FOUND || r->thumbnail || r->show == SHOW_SOURCE || !int_at(r->self, PARAM_BADGE, r->time)) return;
    if (r->final && !int_at(r->self, PARAM_BADGE_IN_FINAL, r->time)) return;
    snprintf(line, sizeof line, "Answerprint: %s", reason(r, text, sizeof text));
    draw_badge(&r->output, r->window, line);
}

static OfxStatus show_frame(Render *r, OfxPropertySetHandle in) {
    char path[MAX_PATH_BYTES + 1];
    r->lookup = FRAME_ABSENT;
    r->frame.file = NO_HANDLE;
    if (r->source.data) {
        read_settings(r, in);
        if (r->show != SHOW_SOURCE) choose_frame(r, in, path);
    }
    bool asks = r->wanted.path_bytes && !r->one_field;
    int not_ready = int_at(r->self, PARAM_NOT_READY, r->time);
    if (asks) {
        look(r);
        if (r->final && not_ready == NOT_READY_WAIT) wait_for_frame(r);
        tell_daemon(r);
    }
    render_window(r);
    if (atomic_load(&r->torn)) {
        close_file(r->frame.file);
        r->frame.file = NO_HANDLE;
        r->lookup = FRAME_ABSENT;
        atomic_store(&r->torn, false);
        render_window(r);
    }
    close_file(r->frame.file);
    if (atomic_load(&r->starved)) return OFX_MEMORY;
    if (asks && r->lookup != FRAME_FOUND && r->final && not_ready == NOT_READY_FAIL) return OFX_FAILED;
    if (r->source.data) put_badge(r);
    return OFX_OK;
}

OfxStatus render_frame(Instance *self, OfxPropertySetHandle in) {
    Render r;
    memset(&r, 0, sizeof r);
    atomic_init(&r.torn, false);
    atomic_init(&r.starved, false);
    r.self = self;
    if (host.property->getDouble(in, OFX_TIME, 0, &r.time) || !get_rect(in, OFX_RENDER_WINDOW, &r.window)) return OFX_FAILED;
    if (is_empty(r.window)) return OFX_OK;
    if (!fetch_image(self->output, r.time, &r.output)) return OFX_FAILED;
    fetch_image(self->source, r.time, &r.source);
    r.window = intersect(r.window, r.output.bounds);
    OfxStatus status = is_empty(r.window) ? OFX_OK : show_frame(&r, in);
    release_image(&r.source);
    release_image(&r.output);
    return status;
}
