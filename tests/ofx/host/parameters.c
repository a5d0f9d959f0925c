/* Parameters: their descriptions and their values. */
#include <stdlib.h>
#include <string.h>

#include "host.h"

static const struct {
    const char *type;
    char value;
    int dimension;
} types[] = {
    {"OfxParamTypeInteger", 'i', 1},  {"OfxParamTypeInteger2D", 'i', 2}, {"OfxParamTypeInteger3D", 'i', 3},
    {"OfxParamTypeDouble", 'd', 1},   {"OfxParamTypeDouble2D", 'd', 2},  {"OfxParamTypeDouble3D", 'd', 3},
    {"OfxParamTypeRGB", 'd', 3},      {"OfxParamTypeRGBA", 'd', 4},      {"OfxParamTypeBoolean", 'i', 1},
    {"OfxParamTypeChoice", 'i', 1},   {"OfxParamTypeString", 's', 1},    {"OfxParamTypeCustom", 's', 1},
    {"OfxParamTypePushButton", 0, 0}, {"OfxParamTypeGroup", 0, 0},       {"OfxParamTypePage", 0, 0},
};

static bool animates_by_default(const char *type) {
    return strstr(type, "Integer") || strstr(type, "Double") || strstr(type, "RGB");
}

static void add_rows(Param *param, const PropertyRow *rows) {
    for (; rows->name; rows++) {
        char type = rows->type == 'v' ? param->value_type : rows->type;
        int dimension = rows->type == 'v' ? param->dimension : rows->dimension;
        const char *initial = rows->initial;
        if (strcmp(rows->name, "OfxParamPropAnimates") == 0) initial = animates_by_default(param->type) ? "1" : "0";
        if (strstr(rows->name, "PropMin") || strstr(rows->name, "DisplayMin"))
            initial = type == 'i' ? "-2147483648" : "-1e308";
        if (strstr(rows->name, "PropMax") || strstr(rows->name, "DisplayMax"))
            initial = type == 'i' ? "2147483647" : "1e308";
        properties_add(&param->properties, rows->name, type, dimension, rows->access, initial);
    }
}

Param *param_named(ParamSet *set, const char *name) {
    for (int i = 0; i < set->count; i++)
        if (strcmp(set->params[i]->name, name) == 0) return set->params[i];
    return NULL;
}

Param *param_define(ParamSet *set, const char *type, const char *name) {
    size_t known = sizeof types / sizeof *types, i = 0;
    while (i < known && strcmp(types[i].type, type) != 0) i++;
    if (i == known) return NULL;
    Param *param = calloc(1, sizeof *param);
    *param = (Param){.kind = PARAM,
                     .set = set,
                     .name = strdup(name),
                     .type = strdup(type),
                     .text = strdup(""),
                     .dimension = types[i].dimension,
                     .value_type = types[i].value};
    properties_init(&param->properties, set->effect->host, param->name, NULL);
    for (int group = 0; parameter_rows(group); group++)
        if (parameter_has(type, group)) add_rows(param, parameter_rows(group));
    put_string(&param->properties, "OfxPropName", 0, name);
    put_string(&param->properties, "OfxParamPropType", 0, type);
    put_string(&param->properties, "OfxParamPropScriptName", 0, name);
    put_string(&param->properties, "OfxPropLabel", 0, name);
    set->params = realloc(set->params, (size_t)(set->count + 1) * sizeof *set->params);
    set->params[set->count++] = param;
    return param;
}

/* A parameter like the described one in another set: of an instance, or of a context. */
void param_instantiate(ParamSet *set, const Param *description) {
    Param *param = param_define(set, description->type, description->name);
    for (int i = 0; i < description->properties.count; i++) {
        const Property *from = &description->properties.properties[i];
        Property *to = properties_find(&param->properties, from->name);
        for (int value = 0; value < from->count; value++)
            properties_put(&param->properties, from->name, value, from->values[value]);
        to->set = from->set;
    }
    if (set->effect->instance) put_string(&param->properties, "OfxPropType", 0, "OfxTypeParameterInstance");
    for (int i = 0; i < param->dimension; i++) {
        if (param->value_type == 's')
            param_set_text(param, string_of(&param->properties, "OfxParamPropDefault", 0));
        else
            param->values[i] = param->value_type == 'i' ? int_of(&param->properties, "OfxParamPropDefault", i)
                                                        : double_of(&param->properties, "OfxParamPropDefault", i);
    }
}

void param_set_text(Param *param, const char *text) {
    param->old_texts = realloc(param->old_texts, (size_t)(param->old_count + 1) * sizeof *param->old_texts);
    param->old_texts[param->old_count++] = param->text;
    param->text = strdup(text);
}

void params_free(ParamSet *set) {
    for (int i = 0; i < set->count; i++) {
        Param *param = set->params[i];
        param->kind = DEAD;
        properties_free(&param->properties);
        for (int old = 0; old < param->old_count; old++) free(param->old_texts[old]);
        free(param->old_texts);
        free(param->text);
        free(param->keys);
        free(param->name);
        free(param->type);
        free(param);
    }
    free(set->params);
    set->kind = DEAD;
    properties_free(&set->properties);
}

static void check_range(Param *param, Host *host) {
    PropertySet *p = &param->properties;
    bool integer = param->value_type == 'i';
    for (int i = 0; properties_find(p, "OfxParamPropMin") && i < param->dimension; i++) {
        double low = integer ? int_of(p, "OfxParamPropMin", i) : double_of(p, "OfxParamPropMin", i);
        double high = integer ? int_of(p, "OfxParamPropMax", i) : double_of(p, "OfxParamPropMax", i);
        double value = integer ? int_of(p, "OfxParamPropDefault", i) : double_of(p, "OfxParamPropDefault", i);
        if (!(low <= value && value <= high))
            complain(host, "parameter %s: default %g is not in %g..%g", param->name, value, low, high);
    }
}

/* What holds for a parameter set as a whole, once a plugin has described it. */
void params_check(ParamSet *set) {
    Host *host = set->effect->host;
    for (int i = 0; i < set->count; i++) {
        Param *param = set->params[i];
        PropertySet *p = &param->properties;
        const char *parent = string_of(p, "OfxParamPropParent", 0);
        Param *group = param_named(set, parent);
        if (*parent && (!group || strcmp(group->type, "OfxParamTypeGroup") != 0))
            complain(host, "parameter %s: parent %s is no group", param->name, parent);
        check_range(param, host);
        int options = count_of(p, "OfxParamPropChoiceOption"), chosen = int_of(p, "OfxParamPropDefault", 0);
        if (strcmp(param->type, "OfxParamTypeChoice") == 0 && (chosen < 0 || chosen >= options))
            complain(host, "parameter %s: default %d of %d options", param->name, chosen, options);
        for (int child = 0; child < count_of(p, "OfxParamPropPageChild"); child++) {
            const char *name = string_of(p, "OfxParamPropPageChild", child);
            Param *on_page = param_named(set, name);
            bool skip = strcmp(name, "OfxParamPageSkipRow") == 0 || strcmp(name, "OfxParamPageSkipColumn") == 0;
            if (!skip && (!on_page || strstr(on_page->type, "Group") || strstr(on_page->type, "Page")))
                complain(host, "page %s: %s cannot be on a page", param->name, name);
        }
        bool animates = properties_find(p, "OfxParamPropAnimates") && int_of(p, "OfxParamPropAnimates", 0);
        if (animates && !animates_by_default(param->type)) {
            const char *kind = param->type + strlen("OfxParamType");
            char name[96] = "OfxParamHostPropSupports";
            strncat(name, kind, 32);
            strcat(name, "Animation");
            if (!int_of(&host->properties, name, 0))
                complain(host, "parameter %s: the host animates no %s", param->name, kind);
        }
    }
}

double param_value_at(const Param *param, int index, double time) {
    if (!param->key_count) return param->values[index];
    const Key *after = param->keys, *end = param->keys + param->key_count;
    while (after < end && after->time <= time) after++;
    if (after == param->keys) return after->values[index];
    const Key *before = after - 1;
    if (after == end || param->value_type == 'i') return before->values[index];
    double part = (time - before->time) / (after->time - before->time);
    return before->values[index] + part * (after->values[index] - before->values[index]);
}
