/* Overlays. A host offers them with the draw suite, through the second version of the property. */
#include <stdlib.h>
#include <string.h>

#include "host.h"

Interact *interact_new(Effect *effect) {
    Host *host = effect->host;
    void *entry = pointer_of(&effect->description->properties, "OfxImageEffectPluginPropOverlayInteractV2", 0);
    if (!entry || !int_of(&host->properties, "OfxImageEffectPropSupportsOverlays", 0)) return NULL;
    Interact *interact = calloc(1, sizeof *interact);
    *interact = (Interact){.kind = INTERACT, .effect = effect, .drawing_kind = DRAWING};
    *(void **)&interact->entry = entry;
    properties_init(&interact->properties, host, "interact", interact_rows);
    put_pointer(&interact->properties, "OfxPropEffectInstance", 0, effect);
    static const char *const actions[] = {"OfxActionDescribe", "OfxActionCreateInstance"};
    for (int i = 0; i < 2; i++) {
        Call call = {.frames_first = 1};
        call_enter(&call, host, effect, actions[i]);
        int status = interact->entry(actions[i], interact, NULL, NULL);
        if (status != StatOK && status != StatReplyDefault) complain(host, "the interact answered status %d", status);
        call_leave(&call);
    }
    return interact;
}

void interact_free(Interact *interact) {
    Call call = {.frames_first = 1};
    call_enter(&call, interact->effect->host, interact->effect, "OfxActionDestroyInstance");
    int status = interact->entry("OfxActionDestroyInstance", interact, NULL, NULL);
    if (status != StatOK && status != StatReplyDefault) complain(call.host, "the interact answered status %d", status);
    call_leave(&call);
    interact->kind = DEAD;
    properties_free(&interact->properties);
    free(interact);
}

static void add_doubles(PropertySet *set, const char *name, int count, double a, double b) {
    properties_add(set, name, 'd', count, READ_ONLY, NULL);
    for (int i = 0; i < count; i++) put_double(set, name, i, i ? b : a);
}

/* x, y: of the pen, canonical. */
int interact_act(Interact *interact, const char *action, double time, double x, double y) {
    Host *host = interact->effect->host;
    PropertySet in;
    bool pen = strstr(action, "Pen") != NULL, key = strstr(action, "Key") != NULL;
    properties_init(&in, host, "arguments", NULL);
    properties_add(&in, "OfxPropEffectInstance", 'p', 1, READ_ONLY, NULL);
    put_pointer(&in, "OfxPropEffectInstance", 0, interact->effect);
    add_doubles(&in, "OfxPropTime", 1, time, 0);
    add_doubles(&in, "OfxImageEffectPropRenderScale", 2, 1, 1);
    if (!key) {
        add_doubles(&in, "OfxInteractPropPixelScale", 2, 1, 1);
        add_doubles(&in, "OfxInteractPropBackgroundColour", 3, 0, 0);
    }
    if (pen) {
        add_doubles(&in, "OfxInteractPropPenPosition", 2, x, y);
        add_doubles(&in, "OfxInteractPropPenPressure", 1, 1, 0);
        properties_add(&in, "OfxInteractPropPenViewportPosition", 'i', 2, READ_ONLY, NULL);
        put_int(&in, "OfxInteractPropPenViewportPosition", 0, (int)x);
        put_int(&in, "OfxInteractPropPenViewportPosition", 1, (int)y);
    }
    if (key) {
        properties_add(&in, "kOfxPropKeySym", 'i', 1, READ_ONLY, "32");
        properties_add(&in, "kOfxPropKeyString", 's', 1, READ_ONLY, " ");
    }
    bool draws = strcmp(action, "OfxInteractActionDraw") == 0;
    if (draws) {
        properties_add(&in, "OfxInteractPropDrawContext", 'p', 1, READ_ONLY, NULL);
        put_pointer(&in, "OfxInteractPropDrawContext", 0, &interact->drawing_kind);
        interact->lines = interact->words = 0;
    }
    Call call = {.time = time, .frames_first = 1};
    call_enter(&call, host, interact->effect, action);
    interact->drawing = draws;
    int status = interact->entry(action, interact, &in, NULL);
    interact->drawing = false;
    if (status != StatOK && status != StatReplyDefault && status != StatFailed)
        complain(host, "the interact answered status %d", status);
    call_leave(&call);
    properties_free(&in);
    return status;
}

int interact_drawn(Interact *interact) { return interact->lines + interact->words; }
