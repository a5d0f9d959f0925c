/* Property sets, the property suite, the action in progress, and the list of complaints. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static _Thread_local Call *call_of_thread;

Call *current_call(void) { return call_of_thread; }

void call_enter(Call *call, Host *host, Effect *effect, const char *action) {
    call->action = action;
    call->host = host;
    call->effect = effect;
    call->images = NULL;
    pthread_mutex_init(&call->lock, NULL);
    call->parent = call_of_thread;
    call->depth = call->parent ? call->parent->depth + 1 : 1;
    call_of_thread = call;
}

void call_leave(Call *call) {
    call_of_thread = call->parent;
    pthread_mutex_destroy(&call->lock);
}

void call_adopt(Call *call) { call_of_thread = call; }

bool in_action(const char *action) { return call_of_thread && strcmp(call_of_thread->action, action) == 0; }

bool is_describing(void) {
    return in_action("OfxActionDescribe") || in_action("OfxImageEffectActionDescribeInContext");
}

bool is_render_action(void) {
    static const char *const actions[] = {
        "OfxImageEffectActionRender",
        "OfxImageEffectActionBeginSequenceRender",
        "OfxImageEffectActionEndSequenceRender",
        "OfxImageEffectActionIsIdentity",
        "OfxImageEffectActionGetFramesNeeded",
        "OfxImageEffectActionGetRegionOfDefinition",
        "OfxImageEffectActionGetRegionsOfInterest",
    };
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (in_action(actions[i])) return true;
    return false;
}

void complain(Host *host, const char *format, ...) {
    char text[2048];
    int length = snprintf(text, sizeof text, "%s: ", call_of_thread ? call_of_thread->action : "outside of actions");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&host->complaints_lock);
    if (host->complaint_count < 1000) { /* the thousandth says no more than the first */
        host->complaints = realloc(host->complaints, (size_t)(host->complaint_count + 1) * sizeof *host->complaints);
        host->complaints[host->complaint_count++] = strdup(text);
    }
    pthread_mutex_unlock(&host->complaints_lock);
}

/* Sets of properties, for the host itself. */

static void clear(char type, Value *values, int count) {
    for (int i = 0; type == 's' && i < count; i++) free(values[i].s);
    free(values);
}

static Value copy(char type, Value value) {
    if (type == 's') value.s = strdup(value.s ? value.s : "");
    return value;
}

static void store(Property *property, int index, Value value) {
    if (index >= property->count) {
        property->values = realloc(property->values, (size_t)(index + 1) * sizeof *property->values);
        for (int i = property->count; i <= index; i++)
            property->values[i] = property->type == 's' ? copy('s', (Value){.s = ""}) : (Value){.p = NULL};
        property->count = index + 1;
    }
    value = copy(property->type, value);
    if (property->type == 's') free(property->values[index].s);
    property->values[index] = value;
}

static void reset(Property *property) {
    clear(property->type, property->values, property->count);
    property->values = NULL;
    property->count = 0;
    for (int i = 0; i < property->initial_count; i++) store(property, i, property->initial[i]);
}

Property *properties_find(PropertySet *set, const char *name) {
    for (int i = 0; i < set->count; i++)
        if (strcmp(set->properties[i].name, name) == 0) return &set->properties[i];
    return NULL;
}

Property *properties_add(PropertySet *set, const char *name, char type, int dimension, char access,
                         const char *initial) {
    properties_remove(set, name);
    set->properties = realloc(set->properties, (size_t)(set->count + 1) * sizeof *set->properties);
    Property *property = &set->properties[set->count++];
    *property = (Property){.name = strdup(name), .type = type, .dimension = dimension, .access = access};
    const char *next = initial ? initial : "";
    for (int i = 0; dimension ? i < dimension : initial != NULL && next; i++) {
        char word[256] = "";
        if (next) sscanf(next, "%255[^,]", word);
        Value value = {.p = NULL};
        if (type == 'i') value.i = atoi(word);
        if (type == 'd') value.d = atof(word);
        if (type == 's') value.s = word;
        store(property, i, value);
        const char *comma = next ? strchr(next, ',') : NULL;
        next = comma ? comma + 1 : dimension ? next : NULL; /* the last one counts for the rest */
    }
    property->initial = malloc((size_t)(property->count + 1) * sizeof *property->initial);
    property->initial_count = property->count;
    for (int i = 0; i < property->count; i++) property->initial[i] = copy(type, property->values[i]);
    return property;
}

static void drop(Property *property) {
    clear(property->type, property->values, property->count);
    clear(property->type, property->initial, property->initial_count);
    free(property->name);
}

void properties_remove(PropertySet *set, const char *name) {
    Property *property = properties_find(set, name);
    if (!property) return;
    drop(property);
    *property = set->properties[--set->count];
}

void properties_init(PropertySet *set, Host *host, const char *of, const PropertyRow *rows) {
    *set = (PropertySet){.kind = PROPERTIES, .host = host, .of = of};
    for (; rows && rows->name; rows++)
        properties_add(set, rows->name, rows->type, rows->dimension, rows->access, rows->initial);
}

void properties_free(PropertySet *set) {
    set->kind = DEAD;
    for (int i = 0; i < set->count; i++) drop(&set->properties[i]);
    free(set->properties);
    set->properties = NULL;
    set->count = 0;
}

void properties_put(PropertySet *set, const char *name, int index, Value value) {
    Property *property = properties_find(set, name);
    if (!property) abort(); /* a fault of the host, or of a program that drives it */
    pthread_rwlock_wrlock(&set->host->lock);
    store(property, index, value);
    pthread_rwlock_unlock(&set->host->lock);
}

void put_int(PropertySet *set, const char *name, int index, int value) {
    properties_put(set, name, index, (Value){.i = value});
}
void put_double(PropertySet *set, const char *name, int index, double value) {
    properties_put(set, name, index, (Value){.d = value});
}
void put_string(PropertySet *set, const char *name, int index, const char *value) {
    properties_put(set, name, index, (Value){.s = (char *)value});
}
void put_pointer(PropertySet *set, const char *name, int index, void *value) {
    properties_put(set, name, index, (Value){.p = value});
}

static Value peek(PropertySet *set, const char *name, int index) {
    Property *property = properties_find(set, name);
    Value value = {.p = NULL};
    pthread_rwlock_rdlock(&set->host->lock);
    if (property && index < property->count) value = property->values[index];
    pthread_rwlock_unlock(&set->host->lock);
    return value;
}

int int_of(PropertySet *set, const char *name, int index) { return peek(set, name, index).i; }
double double_of(PropertySet *set, const char *name, int index) { return peek(set, name, index).d; }
void *pointer_of(PropertySet *set, const char *name, int index) { return peek(set, name, index).p; }
const char *string_of(PropertySet *set, const char *name, int index) {
    const char *text = peek(set, name, index).s;
    return text ? text : "";
}
int count_of(PropertySet *set, const char *name) {
    Property *property = properties_find(set, name);
    return property ? property->count : 0;
}

/* The suite. */

static const char *type_name(char type) {
    return type == 'i' ? "int" : type == 'd' ? "double" : type == 's' ? "string" : "pointer";
}

/* The property, if the plugin may use it in this way; else a complaint, and the status in *status. */
static Property *usable(const char *what, PropertySet *set, const char *name, char type, OfxStatus *status) {
    Call *call = current_call();
    if (!set || set->kind != PROPERTIES) {
        if (call)
            complain(call->host, "%s(%s): a handle that is not, or no longer, a property set", what, name ? name : "");
        *status = StatErrBadHandle;
        return NULL;
    }
    Property *property = name ? properties_find(set, name) : NULL;
    *status = StatErrUnknown;
    if (!property) {
        if (!name || !is_extension(name, int_of(&set->host->properties, "OfxPropAPIVersion", 1)))
            complain(set->host, "%s(%s): no such property of %s", what, name ? name : "NULL", set->of);
        return NULL;
    }
    if (type && property->type != type) {
        complain(set->host, "%s(%s) of %s: it holds a %s", what, name, set->of, type_name(property->type));
        *status = StatErrUnsupported;
        return NULL;
    }
    return property;
}

static OfxStatus get(const char *what, PropertySet *set, const char *name, char type, int index, Value *value) {
    OfxStatus status;
    Property *property = usable(what, set, name, type, &status);
    if (!property) return status;
    pthread_rwlock_rdlock(&set->host->lock);
    bool there = index >= 0 && index < property->count;
    if (there) *value = property->values[index];
    pthread_rwlock_unlock(&set->host->lock);
    if (there) return StatOK;
    complain(set->host, "%s(%s, %d) of %s: it has %d values", what, name, index, set->of, property->count);
    return StatErrBadIndex;
}

static bool may_set(const char *what, PropertySet *set, const Property *property) {
    const char *why = NULL;
    if (property->access == READ_ONLY)
        why = "read only";
    else if (property->access == DESCRIBING && !is_describing())
        why = "set outside of a describe action";
    else if (property->access == WRITABLE && is_render_action())
        why = "set in an action of render threads";
    if (why) complain(set->host, "%s(%s) of %s: %s", what, property->name, set->of, why);
    return !why;
}

static OfxStatus set_value(const char *what, PropertySet *set, const char *name, char type, int index, Value value) {
    OfxStatus status;
    Property *property = usable(what, set, name, type, &status);
    if (!property) return status;
    if (!may_set(what, set, property)) return StatErrValue;
    if (type == 's' && !value.s) {
        complain(set->host, "%s(%s) of %s: NULL is no string", what, name, set->of);
        return StatErrValue;
    }
    bool fits = index >= 0 && (property->dimension ? index < property->dimension : index <= property->count);
    if (!fits) {
        complain(set->host, "%s(%s, %d) of %s: index out of range, or a gap", what, name, index, set->of);
        return StatErrBadIndex;
    }
    pthread_rwlock_wrlock(&set->host->lock);
    store(property, index, value);
    property->set = true;
    pthread_rwlock_unlock(&set->host->lock);
    return StatOK;
}

static bool whole(const char *what, PropertySet *set, const char *name, int count) {
    Property *property = set && set->kind == PROPERTIES && name ? properties_find(set, name) : NULL;
    if (!property) return true; /* what follows complains */
    if (count > 0 && (!property->dimension || count == property->dimension)) return true;
    complain(set->host, "%s(%s) of %s: %d values", what, name, set->of, count);
    return false;
}

#define ACCESSORS(Name, ctype, input, letter, field)                                                                   \
    static OfxStatus propSet##Name(PropertySet *set, const char *name, int index, input value) {                       \
        return set_value(__func__, set, name, letter, index, (Value){.field = (ctype)value});                          \
    }                                                                                                                  \
    static OfxStatus propGet##Name(PropertySet *set, const char *name, int index, ctype *value) {                      \
        Value found;                                                                                                   \
        OfxStatus status = get(__func__, set, name, letter, index, &found);                                            \
        if (status == StatOK) *value = found.field;                                                                    \
        return status;                                                                                                 \
    }                                                                                                                  \
    static OfxStatus propSet##Name##N(PropertySet *set, const char *name, int count, input const *values) {            \
        if (!whole(__func__, set, name, count)) return StatErrBadIndex;                                                \
        OfxStatus status = StatOK;                                                                                     \
        for (int i = 0; i < count && status == StatOK; i++)                                                            \
            status = set_value(__func__, set, name, letter, i, (Value){.field = (ctype)values[i]});                    \
        return status;                                                                                                 \
    }                                                                                                                  \
    static OfxStatus propGet##Name##N(PropertySet *set, const char *name, int count, ctype *values) {                  \
        if (!whole(__func__, set, name, count)) return StatErrBadIndex;                                                \
        OfxStatus status = StatOK;                                                                                     \
        Value found;                                                                                                   \
        for (int i = 0; i < count && status == StatOK; i++) {                                                          \
            status = get(__func__, set, name, letter, i, &found);                                                      \
            if (status == StatOK) values[i] = found.field;                                                             \
        }                                                                                                              \
        return status;                                                                                                 \
    }
ACCESSORS(Int, int, int, 'i', i)
ACCESSORS(Double, double, double, 'd', d)
ACCESSORS(Pointer, void *, void *, 'p', p)
typedef const char *Text;
ACCESSORS(String, char *, Text, 's', s)

static OfxStatus propReset(PropertySet *set, const char *name) {
    OfxStatus status;
    Property *property = usable(__func__, set, name, 0, &status);
    if (!property) return status;
    if (!may_set(__func__, set, property)) return StatErrValue;
    pthread_rwlock_wrlock(&set->host->lock);
    reset(property);
    pthread_rwlock_unlock(&set->host->lock);
    return StatOK;
}

static OfxStatus propGetDimension(PropertySet *set, const char *name, int *count) {
    OfxStatus status;
    Property *property = usable(__func__, set, name, 0, &status);
    if (!property) return status;
    pthread_rwlock_rdlock(&set->host->lock);
    *count = property->count;
    pthread_rwlock_unlock(&set->host->lock);
    return StatOK;
}

const OfxPropertySuiteV1 property_suite = {
    propSetPointer,  propSetString,  propSetDouble,  propSetInt,    propSetPointerN, propSetStringN,
    propSetDoubleN,  propSetIntN,    propGetPointer, propGetString, propGetDouble,   propGetInt,
    propGetPointerN, propGetStringN, propGetDoubleN, propGetIntN,   propReset,       propGetDimension,
};
