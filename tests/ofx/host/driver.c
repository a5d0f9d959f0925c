/* Loading, describing and instances: the order of actions that the standard demands, and what it demands of answers. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

Host *host_new(void) {
    Host *host = calloc(1, sizeof *host);
    pthread_rwlock_init(&host->lock, NULL);
    pthread_mutex_init(&host->complaints_lock, NULL);
    properties_init(&host->properties, host, "host", host_rows);
    host->handle = (OfxHost){.host = &host->properties, .fetchSuite = fetch_suite};
    return host;
}

void host_free(Host *host) {
    host_forget_complaints(host);
    properties_free(&host->properties);
    pthread_rwlock_destroy(&host->lock);
    pthread_mutex_destroy(&host->complaints_lock);
    free(host);
}

PropertySet *host_properties(Host *host) { return &host->properties; }
void host_set_verify(Host *host, int verify) { host->verify = verify; }
void host_set_without(Host *host, const char *suites) { host->without = suites; }
void host_set_timeline(Host *host, double time, double first, double last) {
    host->timeline = time, host->timeline_first = first, host->timeline_last = last;
}
int host_complaints(Host *host) { return host->complaint_count; }
const char *host_complaint(Host *host, int index) { return host->complaints[index]; }
const char *host_message(Host *host) { return host->message; }
int host_redraws(Host *host) { return host->redraws; }

void host_forget_complaints(Host *host) {
    pthread_mutex_lock(&host->complaints_lock);
    for (int i = 0; i < host->complaint_count; i++) free(host->complaints[i]);
    free(host->complaints);
    host->complaints = NULL;
    host->complaint_count = 0;
    pthread_mutex_unlock(&host->complaints_lock);
}

void host_property_add(PropertySet *set, const char *name, char type, int dimension) {
    properties_add(set, name, type, dimension, READ_ONLY, NULL);
}
void host_property_remove(PropertySet *set, const char *name) { properties_remove(set, name); }
void host_property_int(PropertySet *set, const char *name, int i, int value) { put_int(set, name, i, value); }
void host_property_double(PropertySet *set, const char *name, int i, double value) { put_double(set, name, i, value); }
void host_property_string(PropertySet *set, const char *name, int i, const char *value) {
    put_string(set, name, i, value);
}
int property_count(PropertySet *set, const char *name) { return count_of(set, name); }
int property_int(PropertySet *set, const char *name, int index) { return int_of(set, name, index); }
double property_double(PropertySet *set, const char *name, int index) { return double_of(set, name, index); }
const char *property_string(PropertySet *set, const char *name, int index) { return string_of(set, name, index); }
int property_is_set(PropertySet *set, const char *name) {
    const Property *property = properties_find(set, name);
    return property ? property->set : -1;
}

/* Every action goes through here. */
int dispatch(Plugin *plugin, Effect *effect, const char *action, PropertySet *in, PropertySet *out, Call *call) {
    Call own = {.frames_first = 1};
    if (!call) call = &own;
    call_enter(call, plugin->host, effect, action);
    int status = -1;
    if (call->depth > ACTIONS_DEEP)
        complain(plugin->host, "the plugin keeps changing its own parameters: a loop");
    else
        status = plugin->plugin->mainEntry(action, effect, in, out);
    images_check(call);
    if (status < -1 || status > StatReplyDefault) complain(plugin->host, "status %d", status);
    call_leave(call);
    return status;
}

static bool plain_ascii(const char *text) {
    if (!text || !*text) return false;
    for (; *text; text++)
        if (*text <= ' ' || *text > '~') return false;
    return true;
}

static void give_up(Plugin *plugin) {
    if (plugin->library) dlclose(plugin->library);
    free(plugin);
}

Plugin *plugin_open(Host *host, const char *path) {
    Plugin *plugin = calloc(1, sizeof *plugin);
    plugin->host = host;
    plugin->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int (*number)(void) = NULL;
    OfxPlugin *(*get)(int) = NULL;
    OfxStatus (*set_host)(const OfxHost *) = NULL;
    if (!plugin->library)
        complain(host, "%s: %s", path, dlerror());
    else {
        *(void **)&number = dlsym(plugin->library, "OfxGetNumberOfPlugins");
        *(void **)&get = dlsym(plugin->library, "OfxGetPlugin");
        *(void **)&set_host = dlsym(plugin->library, "OfxSetHost"); /* may be missing */
        if (!number || !get) complain(host, "%s: OfxGetNumberOfPlugins or OfxGetPlugin is missing", path);
    }
    if (!number || !get || (set_host && set_host(&host->handle) != StatOK) || number() < 1 ||
        !(plugin->plugin = get(0))) {
        give_up(plugin);
        return NULL;
    }
    if (get(number()) || get(-1)) complain(host, "OfxGetPlugin answers an index out of range");
    const OfxPlugin *p = plugin->plugin;
    if (!p->pluginApi || strcmp(p->pluginApi, "OfxImageEffectPluginAPI") != 0 || p->apiVersion != 1)
        complain(host, "not version 1 of the image effect API");
    if (!plain_ascii(p->pluginIdentifier)) complain(host, "the identifier is not plain ASCII");
    if (!p->setHost || !p->mainEntry) {
        complain(host, "setHost or mainEntry is missing");
        give_up(plugin);
        return NULL;
    }
    p->setHost(&host->handle);
    return plugin;
}

void plugin_close(Plugin *plugin) {
    for (int i = 0; i < 2; i++)
        if (plugin->contexts[i]) effect_free(plugin->contexts[i]);
    if (plugin->descriptor) effect_free(plugin->descriptor);
    give_up(plugin);
}

const char *plugin_identifier(Plugin *plugin) { return plugin->plugin->pluginIdentifier; }

static void ok_or_default(Host *host, const char *action, int status) {
    if (status != StatOK && status != StatReplyDefault) complain(host, "%s answered status %d", action, status);
}

int plugin_load(Plugin *plugin) {
    int status = dispatch(plugin, NULL, "OfxActionLoad", NULL, NULL, NULL);
    ok_or_default(plugin->host, "load", status);
    return status;
}

int plugin_unload(Plugin *plugin) {
    int status = dispatch(plugin, NULL, "OfxActionUnload", NULL, NULL, NULL);
    Host *host = plugin->host;
    ok_or_default(host, "unload", status);
    if (host->blocks) complain(host, "unload left %d blocks of memory", host->blocks);
    if (host->mutexes) complain(host, "unload left %d mutexes", host->mutexes);
    return status;
}

int plugin_describe(Plugin *plugin) {
    Host *host = plugin->host;
    plugin->descriptor = effect_new(plugin, NULL, false);
    int status = dispatch(plugin, plugin->descriptor, "OfxActionDescribe", NULL, NULL, NULL);
    if (status != StatOK) complain(host, "describe answered status %d", status);
    PropertySet *p = &plugin->descriptor->properties;
    if (!count_of(p, "OfxImageEffectPropSupportedContexts")) complain(host, "the plugin names no context");
    if (!count_of(p, "OfxImageEffectPropSupportedPixelDepths")) complain(host, "the plugin names no pixel depth");
    if (!*string_of(p, "OfxPropLabel", 0)) complain(host, "the plugin has no label");
    return status;
}

static const char *const contexts[] = {"OfxImageEffectContextFilter", "OfxImageEffectContextGeneral"};

int plugin_describe_in_context(Plugin *plugin, int general) {
    Host *host = plugin->host;
    Effect *effect = plugin->contexts[general] = effect_new(plugin, plugin->descriptor, false);
    PropertySet in;
    properties_init(&in, host, "arguments", NULL);
    properties_add(&in, "OfxImageEffectPropContext", 's', 1, READ_ONLY, contexts[general]);
    int status = dispatch(plugin, effect, "OfxImageEffectActionDescribeInContext", &in, NULL, NULL);
    properties_free(&in);
    if (status != StatOK) complain(host, "describe in context answered status %d", status);
    if (!clip_named(effect, "Output") || (!general && !clip_named(effect, "Source")))
        complain(host, "a clip that the context demands is missing");
    if (!general && effect->clip_count > 2)
        for (int i = 0; i < effect->clip_count; i++)
            if (strcmp(effect->clips[i]->name, "Output") != 0 && strcmp(effect->clips[i]->name, "Source") != 0 &&
                !int_of(&effect->clips[i]->properties, "OfxImageClipPropOptional", 0))
                complain(host, "clip %s of a filter must be optional", effect->clips[i]->name);
    for (int i = 0; i < effect->clip_count; i++)
        if (!count_of(&effect->clips[i]->properties, "OfxImageEffectPropSupportedComponents"))
            complain(host, "clip %s: no components", effect->clips[i]->name);
    params_check(&effect->params);
    return status;
}

PropertySet *plugin_properties(Plugin *plugin, int context) {
    return &(context < 0 ? plugin->descriptor : plugin->contexts[context])->properties;
}

Effect *instance_new(Plugin *plugin, int general) {
    Effect *effect = effect_new(plugin, plugin->contexts[general], true);
    put_string(&effect->properties, "OfxImageEffectPropContext", 0, contexts[general]);
    put_pointer(&effect->properties, "OfxImageEffectPropPluginHandle", 0, plugin->descriptor);
    return effect;
}

int instance_create(Effect *effect, const char *page) {
    PropertySet in;
    properties_init(&in, effect->host, "arguments", NULL);
    if (page) properties_add(&in, "OfxImageEffectPropResolvePage", 's', 1, READ_ONLY, page);
    int status = dispatch(effect->plugin, effect, "OfxActionCreateInstance", page ? &in : NULL, NULL, NULL);
    properties_free(&in);
    ok_or_default(effect->host, "create instance", status);
    return status;
}

int instance_destroy(Effect *effect) {
    int status = dispatch(effect->plugin, effect, "OfxActionDestroyInstance", NULL, NULL, NULL);
    ok_or_default(effect->host, "destroy instance", status);
    effect_free(effect);
    return status;
}

PropertySet *instance_properties(Effect *effect) { return &effect->properties; }
PropertySet *clip_properties(Effect *effect, const char *name) {
    Clip *clip = clip_named(effect, name);
    return clip ? &clip->properties : NULL;
}
PropertySet *param_properties(Effect *effect, const char *name) {
    Param *param = param_named(&effect->params, name);
    return param ? &param->properties : NULL;
}
const char *instance_persistent_message(Effect *effect) { return effect->persistent_message; }
int instance_action(Effect *effect, const char *action) {
    return dispatch(effect->plugin, effect, action, NULL, NULL, NULL);
}

/* Changes, and parameters as a user sees them. */

static int tell_change(Effect *effect, const char *type, const char *name, const char *reason) {
    Host *host = effect->host;
    PropertySet around, in;
    properties_init(&around, host, "arguments", NULL);
    properties_add(&around, "OfxPropChangeReason", 's', 1, READ_ONLY, reason);
    properties_init(&in, host, "arguments", NULL);
    properties_add(&in, "OfxPropType", 's', 1, READ_ONLY, type);
    properties_add(&in, "OfxPropName", 's', 1, READ_ONLY, name);
    properties_add(&in, "OfxPropChangeReason", 's', 1, READ_ONLY, reason);
    properties_add(&in, "OfxPropTime", 'd', 1, READ_ONLY, NULL);
    properties_add(&in, "OfxImageEffectPropRenderScale", 'd', 2, READ_ONLY, "1");
    put_double(&in, "OfxPropTime", 0, host->timeline);
    Call call = {
        .time = host->timeline, .frames_first = 1, .images_allowed = strcmp(reason, "OfxChangeUserEdited") == 0};
    Call end = call, begin = {.time = host->timeline, .frames_first = 1};
    ok_or_default(host, "begin instance changed",
                  dispatch(effect->plugin, effect, "OfxActionBeginInstanceChanged", &around, NULL, &begin));
    int status = dispatch(effect->plugin, effect, "OfxActionInstanceChanged", &in, NULL, &call);
    ok_or_default(host, "end instance changed",
                  dispatch(effect->plugin, effect, "OfxActionEndInstanceChanged", &around, NULL, &end));
    properties_free(&around);
    properties_free(&in);
    return status;
}

void param_changed(Param *param, const char *reason) {
    Call *call = current_call();
    if (call && call->depth > ACTIONS_DEEP) return;
    ok_or_default(param->set->effect->host, "instance changed",
                  tell_change(param->set->effect, "OfxTypeParameter", param->name, reason));
}

int instance_clip_changed(Effect *effect, const char *clip) {
    return tell_change(effect, "OfxTypeClip", clip, "OfxChangeUserEdited");
}

int param_count(Effect *effect) { return effect->params.count; }
const char *param_name(Effect *effect, int index) { return effect->params.params[index]->name; }
const char *param_type(Effect *effect, const char *name) {
    Param *param = param_named(&effect->params, name);
    return param ? param->type : "";
}
double param_number(Effect *effect, const char *name, int index) {
    Param *param = param_named(&effect->params, name);
    return param ? param->values[index] : 0;
}
const char *param_text(Effect *effect, const char *name) {
    Param *param = param_named(&effect->params, name);
    return param ? param->text : "";
}

void param_put(Effect *effect, const char *name, const double *values, int count, const char *text) {
    Param *param = param_named(&effect->params, name);
    if (!param) abort();
    pthread_rwlock_wrlock(&effect->host->lock);
    for (int i = 0; i < count && i < 4; i++) param->values[i] = values[i];
    if (text) param_set_text(param, text);
    pthread_rwlock_unlock(&effect->host->lock);
}

int param_edit(Effect *effect, const char *name, const double *values, int count, const char *text) {
    param_put(effect, name, values, count, text);
    return tell_change(effect, "OfxTypeParameter", name, "OfxChangeUserEdited");
}
