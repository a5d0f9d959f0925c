/* A strict OpenFX host for tests. It serves the suites in C, so that several threads can render at once and a sanitizer
   sees plugin and host alike. Every breach of the standard by the plugin is an entry in the list of complaints; nothing
   is tolerated in silence. Programs in C and, through ctypes, Python drive it with the functions of driver.h. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "driver.h"
#include "openfx.h"

#define ACTIONS_DEEP 8 /* an action within an action within ...: more is a loop of the plugin */

typedef struct Clip Clip;
typedef struct Fetched Fetched;
typedef struct ImageMemory ImageMemory;
typedef struct Param Param;
typedef struct ParamSet ParamSet;
typedef struct Call Call;

/* Every object that a plugin holds begins with its kind; DEAD after its end. */
enum { DEAD = 0x0dead, PROPERTIES = 0x0fa01, EFFECT, CLIP, MEMORY, PARAM, PARAM_SET, INTERACT, MUTEX, DRAWING };

/* Who may set a property: nobody but the host, the plugin while it describes, or the plugin outside of renders; or, for
   the arguments of an action that the plugin fills, the plugin in this action. */
enum { READ_ONLY = 'r', DESCRIBING = 'd', WRITABLE = 'w', OUT_ARGUMENT = 'o' };

typedef union {
    int i;
    double d;
    char *s;
    void *p;
} Value;

typedef struct {
    char *name;
    char type;     /* i, d, s, p */
    int dimension; /* 0: any number of values */
    char access;
    int count, initial_count;
    Value *values, *initial;
    bool set; /* by the plugin */
} Property;

struct PropertySet {
    int kind;
    Host *host;
    const char *of; /* what it belongs to, for complaints */
    Property *properties;
    int count;
};

/* A row of a table of properties. initial: for several values separated by commas. */
typedef struct {
    const char *name;
    char type;
    int dimension;
    char access;
    const char *initial;
} PropertyRow;

extern const PropertyRow host_rows[], descriptor_rows[], instance_rows[], clip_descriptor_rows[], clip_rows[],
    image_rows[], param_set_rows[], interact_rows[];
/* Of one host, or newer than this host: every plugin may ask whether it is there. */
bool is_extension(const char *name, int minor_version);
const PropertyRow *parameter_rows(int i); /* groups of rows, until NULL */
bool parameter_has(const char *type, int i);

void properties_init(PropertySet *set, Host *host, const char *of, const PropertyRow *rows);
void properties_free(PropertySet *set);
Property *properties_add(PropertySet *set, const char *name, char type, int dimension, char access,
                         const char *initial);
void properties_remove(PropertySet *set, const char *name);
Property *properties_find(PropertySet *set, const char *name);
void properties_put(PropertySet *set, const char *name, int index, Value value);
void put_int(PropertySet *set, const char *name, int index, int value);
void put_double(PropertySet *set, const char *name, int index, double value);
void put_string(PropertySet *set, const char *name, int index, const char *value);
void put_pointer(PropertySet *set, const char *name, int index, void *value);
int int_of(PropertySet *set, const char *name, int index);
double double_of(PropertySet *set, const char *name, int index);
const char *string_of(PropertySet *set, const char *name, int index);
void *pointer_of(PropertySet *set, const char *name, int index);
int count_of(PropertySet *set, const char *name);

/* An action in progress, of this thread. */
struct Call {
    const char *action;
    Host *host;
    Effect *effect;
    double time;
    Image *output;
    Fetched *images;
    bool images_allowed;
    double frames_first, frames_last; /* of the source, that the plugin asked for; no limit if first > last */
    int depth;
    pthread_mutex_t lock;
    Call *parent;
};
Call *current_call(void);
void call_enter(Call *call, Host *host, Effect *effect, const char *action);
void call_leave(Call *call);
void call_adopt(Call *call); /* in a thread that the plugin spawned through the host */
bool in_action(const char *action);
bool is_describing(void);
bool is_render_action(void); /* one that a render thread may get: it reads the effect, and changes nothing */

__attribute__((format(printf, 2, 3))) void complain(Host *host, const char *format, ...);

struct Host {
    PropertySet properties;
    OfxHost handle;
    pthread_rwlock_t lock; /* of all properties and parameters */
    pthread_mutex_t complaints_lock;
    char **complaints;
    int complaint_count;
    bool verify;                   /* that pixels are written where they must be, and only there: slow */
    const char *without;           /* names of suites that this host lacks, separated by commas */
    int blocks, mutexes, progress; /* of the plugin, not yet returned */
    char message[1024];            /* the last one */
    double timeline, timeline_first, timeline_last;
    int redraws;
};

struct Image {
    Layout layout;
    long row_bytes;
    unsigned char *memory, *bottom;
    size_t size;
    uint64_t sum;
    double time;
};

/* An image in the plugin's hands. */
struct Fetched {
    PropertySet properties;
    const Image *image;
    Fetched *next;
};

struct Clip {
    int kind;
    Effect *effect;
    PropertySet properties;
    char *name;
    Image **frames;
    int count;
};

struct ParamSet {
    int kind;
    Effect *effect;
    PropertySet properties;
    Param **params;
    int count, edits;
};

typedef struct {
    double time;
    double values[4];
} Key;

struct Param {
    int kind;
    ParamSet *set;
    PropertySet properties;
    char *name, *type;
    int dimension; /* 0: it has no value */
    char value_type;
    double values[4];
    char *text;
    char **old_texts; /* pointers to them may still be in use by the plugin */
    int old_count;
    Key *keys;
    int key_count;
};

#define CLIPS_MAX 8
struct Effect {
    int kind;
    bool instance;
    Host *host;
    Plugin *plugin;
    PropertySet properties;
    ParamSet params;
    Clip *clips[CLIPS_MAX];
    int clip_count;
    ImageMemory *memory;
    pthread_mutex_t memory_lock;
    char persistent_message[1024], persistent_type[64];
    bool abort;
    Effect *description;
};

struct Interact {
    int kind;
    Effect *effect;
    OfxPluginEntryPoint entry;
    PropertySet properties;
    int drawing_kind; /* the context of drawing is the address of this field */
    bool drawing;
    int lines, words;
};

struct Plugin {
    Host *host;
    void *library;
    OfxPlugin *plugin;
    Effect *descriptor, *contexts[2];
};

Effect *effect_new(Plugin *plugin, Effect *description, bool instance);
void effect_free(Effect *effect);
Clip *clip_named(Effect *effect, const char *name);
Param *param_named(ParamSet *set, const char *name);
Param *param_define(ParamSet *set, const char *type, const char *name);
void params_free(ParamSet *set);
void params_check(ParamSet *set);
void param_instantiate(ParamSet *set, const Param *description);
void param_changed(Param *param, const char *reason); /* tells the plugin */
double param_value_at(const Param *param, int index, double time);
void param_set_text(Param *param, const char *text);
void images_check(Call *call);
uint64_t image_sum(const Image *image);
int dispatch(Plugin *plugin, Effect *effect, const char *action, PropertySet *in, PropertySet *out, Call *call);

extern const OfxPropertySuiteV1 property_suite;
extern const OfxImageEffectSuiteV1 image_effect_suite;
extern const OfxParameterSuiteV1 parameter_suite;
extern const OfxMemorySuiteV1 memory_suite;
extern const OfxMultiThreadSuiteV1 multi_thread_suite;
extern const OfxMessageSuiteV2 message_suite;
extern const OfxInteractSuiteV1 interact_suite;
extern const OfxDrawSuiteV1 draw_suite;
extern const OfxProgressSuiteV1 progress_suite;
extern const OfxTimeLineSuiteV1 timeline_suite;
const void *fetch_suite(OfxPropertySetHandle host, const char *name, int version);

#endif
