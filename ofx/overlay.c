/* The border of the wipe, to be dragged in hosts that have a draw suite and no handle of their own. */
#include <math.h>
#include <string.h>

#include "effect.h"

#define HANDLE_RADIUS 8.0 /* screen pixels */
#define FAR 1e5

typedef struct {
    Instance *effect;
    OfxPointD position, scale; /* of the handle; size of a screen pixel */
    double angle;
} Overlay;

static bool host_has_handle(const Instance *self) {
    OfxPropertySetHandle set;
    if (host.parameter->paramGetPropertySet(self->params[PARAM_WIPE_POSITION], &set)) return true;
    return get_int(set, OFX_PARAM_USE_HANDLE, 0) != 0;
}

/* In canonical coordinates. False if it is kept as a fraction: what is dragged is written as the host counts. */
static bool place_handle(Overlay *overlay, double time) {
    bool fraction;
    OfxRectD picture;
    OfxPointD *position = &overlay->position;
    if (overlay->effect->position_is_fraction || !wipe_position(overlay->effect, time, position, &fraction)) return false;
    if (!fraction) return true;
    if (host.effect->clipGetRegionOfDefinition(overlay->effect->source, time, &picture)) return false;
    position->x = picture.x1 + position->x * (picture.x2 - picture.x1);
    position->y = picture.y1 + position->y * (picture.y2 - picture.y1);
    return true;
}

/* False if there is nothing to draw or drag. */
static bool fill_overlay(OfxPropertySetHandle in, Overlay *overlay, double *time) {
    void *handle = NULL;
    double scale[2] = {1, 1};
    if (!in || host.property->getPointer(in, OFX_EFFECT_INSTANCE, 0, &handle) || !handle) return false;
    overlay->effect = instance_of(handle);
    if (!overlay->effect || host.property->getDouble(in, OFX_TIME, 0, time)) return false;
    if (int_at(overlay->effect, PARAM_SHOW, *time) != SHOW_WIPE || host_has_handle(overlay->effect)) return false;
    host.property->getDoubleN(in, OFX_PIXEL_SCALE, 2, scale);
    overlay->scale = (OfxPointD){scale[0], scale[1]};
    overlay->angle = double_at(overlay->effect, PARAM_WIPE_ANGLE, *time) * (3.14159265358979323846 / 180);
    return place_handle(overlay, *time);
}

static OfxStatus draw(const Overlay *overlay, OfxPropertySetHandle in) {
    void *context = NULL;
    OfxColourF colour = {1, 1, 1, 1};
    if (!host.draw || host.property->getPointer(in, OFX_DRAW_CONTEXT, 0, &context) || !context) return OFX_REPLY_DEFAULT;
    bool dragging = atomic_load(&overlay->effect->is_dragging);
    host.draw->getColour(context, dragging ? OFX_COLOUR_SELECTED : OFX_COLOUR_ACTIVE, &colour);
    host.draw->setColour(context, &colour);
    host.draw->setLineWidth(context, 1);
    double along_x = -sin(overlay->angle) * FAR, along_y = cos(overlay->angle) * FAR;
    double x = overlay->position.x, y = overlay->position.y;
    double across = HANDLE_RADIUS * overlay->scale.x, up = HANDLE_RADIUS * overlay->scale.y;
    OfxPointD border[2] = {{x - along_x, y - along_y}, {x + along_x, y + along_y}};
    OfxPointD circle[2] = {{x - across, y + up}, {x + across, y - up}};
    host.draw->draw(context, OFX_DRAW_LINES, border, 2);
    host.draw->draw(context, OFX_DRAW_ELLIPSE, circle, 2);
    return OFX_OK;
}

static OfxStatus pen(const char *action, const Overlay *overlay, OfxPropertySetHandle in) {
    Instance *self = overlay->effect;
    double at[2];
    if (host.property->getDoubleN(in, OFX_PEN_POSITION, 2, at)) return OFX_REPLY_DEFAULT;
    if (!strcmp(action, OFX_PEN_DOWN)) {
        double x = (at[0] - overlay->position.x) / overlay->scale.x, y = (at[1] - overlay->position.y) / overlay->scale.y;
        if (!(x * x + y * y <= 4 * HANDLE_RADIUS * HANDLE_RADIUS)) return OFX_REPLY_DEFAULT;
        atomic_store(&self->is_dragging, true);
    } else if (!atomic_load(&self->is_dragging)) {
        return OFX_REPLY_DEFAULT;
    } else {
        host.parameter->paramSetValue(self->params[PARAM_WIPE_POSITION], at[0], at[1]);
        if (!strcmp(action, OFX_PEN_UP)) atomic_store(&self->is_dragging, false);
    }
    return OFX_OK;
}

/* So that the host draws it again when these change. */
static OfxStatus create(OfxInteractHandle interact) {
    OfxPropertySetHandle set;
    if (!host.interact || host.interact->interactGetPropertySet(interact, &set)) return OFX_REPLY_DEFAULT;
    host.property->setString(set, OFX_SLAVE_TO, 0, param_name(PARAM_SHOW));
    host.property->setString(set, OFX_SLAVE_TO, 1, param_name(PARAM_WIPE_POSITION));
    host.property->setString(set, OFX_SLAVE_TO, 2, param_name(PARAM_WIPE_ANGLE));
    return OFX_OK;
}

OfxStatus overlay_entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    Overlay overlay;
    double time;
    (void)out;
    if (!strcmp(action, OFX_DESCRIBE)) return OFX_OK;
    if (!strcmp(action, OFX_CREATE)) return create((OfxInteractHandle)handle);
    bool draws = !strcmp(action, OFX_DRAW);
    if (!draws && strcmp(action, OFX_PEN_DOWN) && strcmp(action, OFX_PEN_MOTION) && strcmp(action, OFX_PEN_UP))
        return OFX_REPLY_DEFAULT;
    if (!fill_overlay(in, &overlay, &time)) return OFX_REPLY_DEFAULT;
    return draws ? draw(&overlay, in) : pen(action, &overlay, in);
}
