/* The parameter suite, with its variable arguments. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static Param *usable(const char *what, Param *param) {
    Call *call = current_call();
    if (!param || param->kind != PARAM) {
        if (call) complain(call->host, "%s: a handle that is no parameter", what);
        return NULL;
    }
    if (!param->set->effect->instance)
        complain(param->set->effect->host, "%s(%s): a description has no value", what, param->name);
    else if (!param->dimension)
        complain(param->set->effect->host, "%s(%s): a %s has no value", what, param->name, param->type);
    else
        return param;
    return NULL;
}

static Param *settable(const char *what, Param *param) {
    static const char *const actions[] = {
        "OfxActionCreateInstance",     "OfxActionBeginInstanceChanged", "OfxActionInstanceChanged",
        "OfxActionEndInstanceChanged", "OfxActionBeginInstanceEdit",    "OfxActionEndInstanceEdit",
        "OfxActionSyncPrivateData",    "OfxInteractActionPenDown",      "OfxInteractActionPenMotion",
        "OfxInteractActionPenUp",      "OfxInteractActionKeyDown",      "OfxInteractActionKeyUp",
        "OfxInteractActionKeyRepeat",  "OfxInteractActionGainFocus",    "OfxInteractActionLoseFocus",
    };
    if (!(param = usable(what, param))) return NULL;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (in_action(actions[i])) return param;
    complain(param->set->effect->host, "%s(%s): not allowed in this action", what, param->name);
    return NULL;
}

static OfxStatus paramDefine(ParamSet *set, const char *type, const char *name, PropertySet **properties) {
    if (!set || set->kind != PARAM_SET) return StatErrBadHandle;
    Host *host = set->effect->host;
    if (!is_describing() || set->effect->instance) {
        complain(host, "%s(%s): only a describe action defines parameters", __func__, name);
        return StatErrBadHandle;
    }
    if (!*name || strpbrk(name, " \t\n")) complain(host, "%s(%s): not a name for scripts", __func__, name);
    if (param_named(set, name)) {
        complain(host, "%s(%s): there already", __func__, name);
        return StatErrExists;
    }
    Param *param = param_define(set, type, name);
    if (!param) {
        complain(host, "%s(%s): type %s", __func__, name, type);
        return StatErrUnknown;
    }
    if (properties) *properties = &param->properties;
    return StatOK;
}

static OfxStatus paramGetHandle(ParamSet *set, const char *name, Param **param, PropertySet **properties) {
    Call *call = current_call();
    if (!set || set->kind != PARAM_SET) {
        if (call) complain(call->host, "%s(%s): not a parameter set", __func__, name);
        return StatErrBadHandle;
    }
    Param *found = param_named(set, name);
    if (!set->effect->instance)
        complain(set->effect->host, "%s(%s): a description has no parameters to get", __func__, name);
    if (!found) complain(set->effect->host, "%s(%s): no such parameter", __func__, name);
    if (!found || !set->effect->instance) return found ? StatErrBadHandle : StatErrUnknown;
    if (param) *param = found;
    if (properties) *properties = &found->properties;
    return StatOK;
}

static OfxStatus paramSetGetPropertySet(ParamSet *set, PropertySet **properties) {
    if (!set || set->kind != PARAM_SET) return StatErrBadHandle;
    *properties = &set->properties;
    return StatOK;
}

static OfxStatus paramGetPropertySet(Param *param, PropertySet **properties) {
    if (!param || param->kind != PARAM) return StatErrBadHandle;
    *properties = &param->properties;
    return StatOK;
}

static OfxStatus get_values(Param *param, double time, va_list arguments) {
    pthread_rwlock_rdlock(&param->set->effect->host->lock);
    for (int i = 0; i < param->dimension; i++) {
        if (param->value_type == 's')
            *va_arg(arguments, char **) = param->text;
        else if (param->value_type == 'i')
            *va_arg(arguments, int *) = (int)param_value_at(param, i, time);
        else
            *va_arg(arguments, double *) = param_value_at(param, i, time);
    }
    pthread_rwlock_unlock(&param->set->effect->host->lock);
    return StatOK;
}

static void key_at(Param *param, double time, const double values[4]) {
    int at = 0;
    while (at < param->key_count && param->keys[at].time < time) at++;
    if (at == param->key_count || param->keys[at].time != time) {
        param->keys = realloc(param->keys, (size_t)(param->key_count + 1) * sizeof *param->keys);
        memmove(param->keys + at + 1, param->keys + at, (size_t)(param->key_count - at) * sizeof *param->keys);
        param->key_count++;
    }
    param->keys[at].time = time;
    memcpy(param->keys[at].values, values, sizeof param->keys[at].values);
}

static OfxStatus set_values(Param *param, bool key, double time, va_list arguments) {
    Host *host = param->set->effect->host;
    double values[4] = {0};
    const char *text = NULL;
    for (int i = 0; i < param->dimension; i++) {
        if (param->value_type == 's')
            text = va_arg(arguments, const char *);
        else
            values[i] = param->value_type == 'i' ? va_arg(arguments, int) : va_arg(arguments, double);
        if (!isfinite(values[i])) complain(host, "paramSetValue(%s): not a number", param->name);
    }
    if (strcmp(param->type, "OfxParamTypeChoice") == 0 &&
        (values[0] < 0 || values[0] >= count_of(&param->properties, "OfxParamPropChoiceOption")))
        complain(host, "paramSetValue(%s): no option %g", param->name, values[0]);
    pthread_rwlock_wrlock(&host->lock);
    if (text)
        param_set_text(param, text);
    else if (key || param->key_count)
        key_at(param, time, values);
    else
        memcpy(param->values, values, sizeof values);
    pthread_rwlock_unlock(&host->lock);
    if (!in_action("OfxActionCreateInstance") && !in_action("OfxActionSyncPrivateData"))
        param_changed(param, "OfxChangePluginEdited");
    return StatOK;
}

static double time_now(void) { return current_call() ? current_call()->time : 0; }

#define WITH_ARGUMENTS(last, expression)                                                                               \
    va_list arguments;                                                                                                 \
    va_start(arguments, last);                                                                                         \
    OfxStatus status = expression;                                                                                     \
    va_end(arguments);                                                                                                 \
    return status

static OfxStatus paramGetValue(Param *param, ...) {
    if (!usable(__func__, param)) return StatErrBadHandle;
    WITH_ARGUMENTS(param, get_values(param, time_now(), arguments));
}

static OfxStatus paramGetValueAtTime(Param *param, double time, ...) {
    if (!usable(__func__, param)) return StatErrBadHandle;
    WITH_ARGUMENTS(time, get_values(param, time, arguments));
}

static OfxStatus paramSetValue(Param *param, ...) {
    if (!settable(__func__, param)) return StatErrBadHandle;
    WITH_ARGUMENTS(param, set_values(param, false, time_now(), arguments));
}

static OfxStatus paramSetValueAtTime(Param *param, double time, ...) {
    if (!settable(__func__, param)) return StatErrBadHandle;
    if (param->value_type == 's' || !int_of(&param->properties, "OfxParamPropAnimates", 0)) {
        complain(param->set->effect->host, "%s(%s): it does not animate", __func__, param->name);
        return StatErrUnsupported;
    }
    WITH_ARGUMENTS(time, set_values(param, true, time, arguments));
}

static OfxStatus paramGetDerivative(Param *param, double time, ...) {
    (void)time;
    return usable(__func__, param) ? StatErrUnsupported : StatErrBadHandle;
}

static OfxStatus paramGetIntegral(Param *param, double first, double last, ...) {
    (void)first, (void)last;
    return usable(__func__, param) ? StatErrUnsupported : StatErrBadHandle;
}

static OfxStatus paramGetNumKeys(Param *param, unsigned int *count) {
    if (!usable(__func__, param)) return StatErrBadHandle;
    *count = (unsigned)param->key_count;
    return StatOK;
}

static OfxStatus paramGetKeyTime(Param *param, unsigned int key, double *time) {
    if (!usable(__func__, param)) return StatErrBadHandle;
    if ((int)key >= param->key_count) return StatErrBadIndex;
    *time = param->keys[key].time;
    return StatOK;
}

static OfxStatus paramGetKeyIndex(Param *param, double time, int direction, int *index) {
    if (!usable(__func__, param)) return StatErrBadHandle;
    *index = -1;
    for (int i = 0; i < param->key_count; i++) {
        double key = param->keys[i].time;
        if (direction == 0 && key == time) *index = i;
        if (direction < 0 && key < time) *index = i;
        if (direction > 0 && key > time && *index < 0) *index = i;
    }
    return *index < 0 ? StatFailed : StatOK;
}

static OfxStatus paramDeleteKey(Param *param, double time) {
    if (!settable(__func__, param)) return StatErrBadHandle;
    for (int i = 0; i < param->key_count; i++)
        if (param->keys[i].time == time) {
            memmove(param->keys + i, param->keys + i + 1, (size_t)(--param->key_count - i) * sizeof *param->keys);
            return StatOK;
        }
    return StatErrBadIndex;
}

static OfxStatus paramDeleteAllKeys(Param *param) {
    if (!settable(__func__, param)) return StatErrBadHandle;
    param->key_count = 0;
    return StatOK;
}

static OfxStatus paramCopy(Param *to, Param *from, double offset, const OfxRangeD *range) {
    (void)offset, (void)range;
    if (!settable(__func__, to) || !usable(__func__, from)) return StatErrBadHandle;
    if (strcmp(to->type, from->type) != 0) {
        complain(to->set->effect->host, "%s(%s, %s): of two types", __func__, to->name, from->name);
        return StatErrUnsupported;
    }
    memcpy(to->values, from->values, sizeof to->values);
    param_set_text(to, from->text);
    param_changed(to, "OfxChangePluginEdited");
    return StatOK;
}

static OfxStatus paramEditBegin(ParamSet *set, const char *name) {
    if (!set || set->kind != PARAM_SET || !set->effect->instance || !name) return StatErrBadHandle;
    set->edits++;
    return StatOK;
}

static OfxStatus paramEditEnd(ParamSet *set) {
    if (!set || set->kind != PARAM_SET || !set->effect->instance) return StatErrBadHandle;
    if (--set->edits < 0) complain(set->effect->host, "%s without paramEditBegin", __func__);
    return StatOK;
}

const OfxParameterSuiteV1 parameter_suite = {
    paramDefine,         paramGetHandle,     paramSetGetPropertySet, paramGetPropertySet, paramGetValue,
    paramGetValueAtTime, paramGetDerivative, paramGetIntegral,       paramSetValue,       paramSetValueAtTime,
    paramGetNumKeys,     paramGetKeyTime,    paramGetKeyIndex,       paramDeleteKey,      paramDeleteAllKeys,
    paramCopy,           paramEditBegin,     paramEditEnd,
};
