/* What drives the host: programs in C, and Python through ctypes. Functions that call the plugin return its status, or
   a negative number where the host could not call it; what was wrong is among the complaints. */
#ifndef HOST_DRIVER_H
#define HOST_DRIVER_H

#pragma GCC visibility push(default)

typedef struct Host Host;
typedef struct PropertySet PropertySet;
typedef struct Plugin Plugin;
typedef struct Effect Effect;
typedef struct Image Image;
typedef struct Interact Interact;

Host *host_new(void);
void host_free(Host *host);
PropertySet *host_properties(Host *host);
void host_set_verify(Host *host, int verify);
void host_set_without(Host *host,
                      const char *suites); /* names, or NAME/VERSION, separated by commas; kept, not copied */
void host_set_timeline(Host *host, double time, double first, double last);
int host_complaints(Host *host);
const char *host_complaint(Host *host, int index);
void host_forget_complaints(Host *host);
const char *host_message(Host *host);

/* Properties as the host sets them; an extension is added, what a host lacks removed. type: i, d, s, p. */
void host_property_add(PropertySet *set, const char *name, char type, int dimension);
void host_property_remove(PropertySet *set, const char *name);
void host_property_int(PropertySet *set, const char *name, int index, int value);
void host_property_double(PropertySet *set, const char *name, int index, double value);
void host_property_string(PropertySet *set, const char *name, int index, const char *value);
int property_count(PropertySet *set, const char *name);
int property_int(PropertySet *set, const char *name, int index);
double property_double(PropertySet *set, const char *name, int index);
const char *property_string(PropertySet *set, const char *name, int index);
int property_is_set(PropertySet *set, const char *name); /* by the plugin; -1: there is none */

Plugin *plugin_open(Host *host, const char *path); /* loads the library; NULL: see the complaints */
void plugin_close(Plugin *plugin);
const char *plugin_identifier(Plugin *plugin);
int plugin_load(Plugin *plugin);
int plugin_unload(Plugin *plugin);
int plugin_describe(Plugin *plugin);
int plugin_describe_in_context(Plugin *plugin, int general); /* else Filter */
PropertySet *plugin_properties(Plugin *plugin, int context); /* 0: Filter, 1: General, -1: described before a context */

Effect *instance_new(Plugin *plugin, int general);
int instance_create(Effect *effect, const char *page); /* page: of Resolve, or NULL */
int instance_destroy(Effect *effect);                  /* and frees it */
PropertySet *instance_properties(Effect *effect);
PropertySet *clip_properties(Effect *effect, const char *clip);
PropertySet *param_properties(Effect *effect, const char *param);
const char *instance_persistent_message(Effect *effect);
int instance_action(Effect *effect, const char *action); /* one without arguments */
int instance_begin_end(Effect *effect, const char *action, double first, double last, int interactive);
int instance_clip_preferences(Effect *effect);
int instance_output_colourspace(Effect *effect, const char *preferred, char *answer, int size);
int instance_clip_changed(Effect *effect, const char *clip);

int param_count(Effect *effect);
const char *param_name(Effect *effect, int index);
const char *param_type(Effect *effect, const char *param);
double param_number(Effect *effect, const char *param, int index);
const char *param_text(Effect *effect, const char *param);
/* As a user does: the value, then the plugin is told. count 0: a button is pressed. */
int param_edit(Effect *effect, const char *param, const double *values, int count, const char *text);
void param_put(Effect *effect, const char *param, const double *values, int count,
               const char *text); /* from a project */

/* The shape of an image: bounds and the region of definition in px, the size of a sample in bytes, and what its
   properties say. */
typedef struct {
    int bytes; /* 2: half, 4: float */
    int x1, y1, x2, y2;
    int region[4];
    int negative_rows; /* the top row comes first in memory */
    int padding;       /* bytes after each row */
    double scale[2], aspect;
    const char *premultiplication, *field;
} Layout;

Image *image_new(const Layout *layout);
void image_free(Image *image);
void image_write(Image *image, const void *pixels); /* RGBA of the layout's depth, bottom row first, packed */
void image_read(const Image *image, void *pixels);
void clip_put_frame(Effect *effect, const char *clip, double time, Image *image); /* NULL: none; the caller keeps it */

enum { SKIP_REGION = 1, SKIP_INTEREST = 2, SKIP_FRAMES = 4, SKIP_IDENTITY = 8 }; /* actions that a host does not send */
typedef struct {
    double time;
    int window[4];
    double scale[2];
    const char *field;
    int sequential, interactive, draft;
    int has_source_frame, source_frame; /* of Resolve */
    int skip;
    /* answers */
    double region[4];
    int identity;
    double frames[2];
    long long nanoseconds; /* that the plugin took to render */
} Render;
int instance_render(Effect *effect, Image *output, Render *render);

Interact *interact_new(Effect *effect); /* NULL: the plugin has no overlay that the host can serve */
void interact_free(Interact *interact);
int interact_act(Interact *interact, const char *action, double time, double x, double y);
int interact_drawn(Interact *interact); /* figures and texts of the last draw action */
int host_redraws(Host *host);

#pragma GCC visibility pop

#endif
