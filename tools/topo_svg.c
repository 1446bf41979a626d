// SPDX-License-Identifier: GPL-2.0-only
/*
 * A picture for a slide: the tree grows to the right, all devices stand in one
 * column, and beside each provider are its paths to all RDMA devices. Every
 * colour (those of Okabe and Ito) comes with a shape, a border or a word that
 * says the same.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cmd.h"
#include "topo_out.h"
#include "topo_tree.h"

#define MARGIN 24
#define TITLE_HEIGHT 62
#define ROW_HEIGHT 46
#define CPU_WIDTH 30
#define LEVEL_WIDTH 136
#define BOX_WIDTH 104
#define BOX_HEIGHT 32
#define DEVICE_HEIGHT 36
#define CELL_WIDTH 84
#define CELL_HEIGHT 28
#define LEGEND_ROW 34
#define LEGEND_WIDTH 640
#define GLYPH 8.1		/* of bold 13 pixels: an average */
#define LABEL_MAX 30
#define ABOUT_MAX 128

#define FONT "font-family=\"DejaVu Sans, Verdana, Helvetica, Arial, sans-serif\""
#define INK "#1a1a1a"
#define GREY "#5f5f5f"
#define BLUE "#0072B2"
#define PURPLE "#CC79A7"
#define VERMILION "#D55E00"

static const struct kind_style {
	enum p2pmr_path_kind kind;
	const char *border;
	const char *fill;
	const char *dashes;
	const char *meaning;
} kind_styles[] = {
	{ P2PMR_PATH_BUS, "#009E73", "#d3efe5", "",
	  "below one switch: does not pass the CPU" },
	{ P2PMR_PATH_BRIDGE, "#E69F00", "#fbedcc", "7 3",
	  "through the CPU's host bridges" },
	{ P2PMR_PATH_CPU, "#56B4E9", "#dff0fb", "2 3",
	  "the CPU copies, for a software RDMA device" },
	{ P2PMR_PATH_NONE, VERMILION, "#ffffff", "",
	  "not possible" },
	{ P2PMR_PATH_UNKNOWN, "#999999", "#f0f0f0", "1 4",
	  "not known" },
};

struct drawing {
	FILE *f;
	const struct topo_tree *tree;
	int rows;		/* drawn so far */
	int levels;		/* of root buses and bridges */
	double device_x;	/* left side of the column of devices */
	double device_width;
	double cell_x;		/* likewise, of paths */
	double head_height;
	double width;
	double height;
};

/* Text of XML. Names are sysfs's, and that may be a recorded one */
static void put(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		default:
			fputc(*text >= ' ' && *text <= '~' ? *text : '?', f);
		}
	}
}

struct text_style {
	int size;
	const char *colour;
	const char *anchor;
	bool bold;
};

static const struct text_style title_style = { 20, INK, "start", true };
static const struct text_style name_style = { 13, INK, "start", true };
static const struct text_style head_style = { 13, INK, "start", true };
static const struct text_style cell_style = { 13, INK, "middle", true };
static const struct text_style box_style = { 12, INK, "middle", false };
static const struct text_style role_style = { 10, GREY, "middle", false };
static const struct text_style acs_style = { 10, "#a84700", "middle", true };
static const struct text_style small_style = { 11, GREY, "start", false };
static const struct text_style legend_style = { 12, INK, "start", false };

/* @turn: in degrees, around its own place */
static void put_turned(const struct drawing *d, double x, double y, int turn,
		       const struct text_style *style, const char *text)
{
	fprintf(d->f, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\" text-anchor=\"%s\"",
		x, y, style->size, style->colour, style->anchor);
	if (style->bold)
		fputs(" font-weight=\"bold\"", d->f);
	if (turn)
		fprintf(d->f, " transform=\"rotate(%d %.1f %.1f)\"", turn, x, y);
	fputc('>', d->f);
	put(d->f, text);
	fputs("</text>\n", d->f);
}

static void put_text(const struct drawing *d, double x, double y,
		     const struct text_style *style, const char *text)
{
	put_turned(d, x, y, 0, style, text);
}

struct box_style {
	double round;
	const char *fill;
	const char *border;
	double thick;
	const char *dashes;
};

/* @y: of its middle */
static void put_box(const struct drawing *d, double x, double y, double width,
		    double height, const struct box_style *style)
{
	fprintf(d->f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\" fill=\"%s\" stroke=\"%s\" stroke-width=\"%.1f\"",
		x, y - height / 2, width, height, style->round, style->fill,
		style->border, style->thick);
	if (style->dashes[0])
		fprintf(d->f, " stroke-dasharray=\"%s\"", style->dashes);
	fputs("/>\n", d->f);
}

static void put_line(const struct drawing *d, double x1, double y1, double x2,
		     double y2, const char *colour, const char *dashes)
{
	fprintf(d->f, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" stroke-width=\"1.5\"",
		x1, y1, x2, y2, colour);
	if (dashes[0])
		fprintf(d->f, " stroke-dasharray=\"%s\"", dashes);
	fputs("/>\n", d->f);
}

static const struct kind_style *style_of(const struct p2pmr_path *path)
{
	enum p2pmr_path_kind kind = path ? p2pmr_path_kind(path) :
					   P2PMR_PATH_UNKNOWN;
	size_t i = 0;

	while (i < ARRAY_SIZE(kind_styles) - 1 && kind_styles[i].kind != kind)
		i++;
	return &kind_styles[i];
}

static void put_cell(const struct drawing *d, double x, double y,
		     const struct kind_style *kind, const char *text)
{
	const struct box_style box = {
		kind->kind == P2PMR_PATH_BUS ? CELL_HEIGHT / 2 : 3,
		kind->fill, kind->border, 2.5, kind->dashes
	};
	double width = CELL_WIDTH - 8, left = x + 4;

	put_box(d, left, y, width, CELL_HEIGHT, &box);
	/* Crossed out, below the word */
	if (kind->kind == P2PMR_PATH_NONE) {
		put_line(d, left + 3, y + CELL_HEIGHT / 2 - 3, left + 16,
			 y - CELL_HEIGHT / 2 + 3, kind->border, "");
		put_line(d, left + width - 16, y + CELL_HEIGHT / 2 - 3,
			 left + width - 3, y - CELL_HEIGHT / 2 + 3,
			 kind->border, "");
	}
	put_text(d, x + CELL_WIDTH / 2., y + 4.5, &cell_style,
		 kind->kind == P2PMR_PATH_UNKNOWN ? "?" : text);
}

/* "nvme0", or all of them, cut when they are very many */
static void join_names(const struct topo_node *node, char text[LABEL_MAX])
{
	const struct topo_end *end;
	size_t used = 0;

	text[0] = '\0';
	for (end = node->ends; end; end = end->next) {
		int left = LABEL_MAX - used;
		int len = snprintf(text + used, left, "%s%s", used ? ", " : "",
				   end->name);

		if (len >= left) {
			strcpy(text + LABEL_MAX - 4, "...");
			return;
		}
		used += len;
	}
}

/* Machines with more than one PCI domain are rare: the zeros say nothing */
static const char *short_address(const char *name)
{
	return strncmp(name, "0000:", 5) ? name : name + 5;
}

/* "512 MiB, 19:00.0": what is said below the name */
static void describe(const struct topo_node *node, char text[ABOUT_MAX])
{
	const struct topo_end *end = node->ends;
	char size[LABEL_MAX];

	if (end->provider)
		snprintf(text, ABOUT_MAX, "memory %s, %s",
			 args_human_size(end->space.size_bytes, size,
					 sizeof(size)),
			 short_address(node->name));
	else
		snprintf(text, ABOUT_MAX, "RDMA, %s",
			 short_address(node->name));
}

static double text_width(const struct topo_node *node)
{
	char name[LABEL_MAX], about[ABOUT_MAX];
	double a, b;

	join_names(node, name);
	describe(node, about);
	a = strlen(name) * GLYPH;
	b = strlen(about) * GLYPH * 11 / 13 * 0.92;
	return a > b ? a : b;
}

/* The provider's number, -1: there is none at this function */
static int provider_at(const struct drawing *d, const struct topo_node *node)
{
	const struct topo_end *end;

	for (end = node->ends; end; end = end->next) {
		if (end->provider)
			return end - d->tree->providers;
	}
	return -1;
}

static void put_paths(const struct drawing *d, int provider, double y)
{
	char text[TOPO_CELL_MAX];
	size_t j;

	if (!d->tree->n_devices)
		return;
	put_line(d, d->device_x + d->device_width, y, d->cell_x + 4, y,
		 "#bbbbbb", "1 4");
	for (j = 0; j < d->tree->n_devices; j++) {
		const struct p2pmr_path *path = topo_path(d->tree, provider, j);

		put_cell(d, d->cell_x + j * CELL_WIDTH, y, style_of(path),
			 topo_cell(path, text));
	}
}

/* A provider is a box with a bar, an RDMA device has round ends */
static double put_device(struct drawing *d, const struct topo_node *node)
{
	static const struct box_style memory = { 3, "#ffffff", BLUE, 2, "" };
	static const struct box_style bar = { 0, BLUE, BLUE, 0, "" };
	static const struct box_style rdma = {
		DEVICE_HEIGHT / 2, "#ffffff", PURPLE, 2, ""
	};
	double y = MARGIN + TITLE_HEIGHT + d->head_height +
		   (d->rows++ + 0.5) * ROW_HEIGHT;
	char name[LABEL_MAX], about[ABOUT_MAX];
	int provider = provider_at(d, node);

	put_box(d, d->device_x, y, d->device_width, DEVICE_HEIGHT,
		provider < 0 ? &rdma : &memory);
	if (provider >= 0)
		put_box(d, d->device_x, y, 7, DEVICE_HEIGHT, &bar);
	join_names(node, name);
	describe(node, about);
	put_text(d, d->device_x + 17, y - 3, &name_style, name);
	put_text(d, d->device_x + 17, y + 12, &small_style, about);
	if (provider >= 0)
		put_paths(d, provider, y);
	return y;
}

static double level_x(int level)
{
	return MARGIN + CPU_WIDTH + 32 + level * LEVEL_WIDTH;
}

static void put_bridge(const struct drawing *d, const struct topo_node *node,
		       double x, double y)
{
	static const struct box_style plain = { 5, "#f4f4f4", "#777777", 1.2, "" };
	static const struct box_style root = { 0, "#e4e4e4", INK, 1.5, "" };
	static const struct box_style redirects = {
		5, "#fdeee3", VERMILION, 2.2, "5 3"
	};
	bool acs = topo_acs_redirects(node->acs);
	char about[LABEL_MAX];

	if (node->role == TOPO_ROOT_BUS && node->child && node->child->numa >= 0)
		snprintf(about, sizeof(about), "root bus, NUMA %d",
			 node->child->numa);
	else
		snprintf(about, sizeof(about), "%s", topo_role_name(node->role));
	put_box(d, x, y, BOX_WIDTH, BOX_HEIGHT + (acs ? 11 : 0),
		acs ? &redirects : node->role == TOPO_ROOT_BUS ? &root : &plain);
	y -= acs ? 6 : 0;
	put_text(d, x + BOX_WIDTH / 2., y - 2, &box_style,
		 short_address(node->name));
	put_text(d, x + BOX_WIDTH / 2., y + 11, &role_style, about);
	if (acs)
		put_text(d, x + BOX_WIDTH / 2., y + 23, &acs_style,
			 "ACS redirects");
}

/* What all below one node have in common: the line that they hang on */
struct trunk {
	double x;
	double first;
	double last;
	int count;
};

static void hang_on(const struct drawing *d, struct trunk *trunk, double y,
		    double x, const char *dashes)
{
	if (!trunk->count++)
		trunk->first = y;
	trunk->last = y;
	put_line(d, trunk->x, y, x, y, "#777777", dashes);
}

static double put_node(struct drawing *d, const struct topo_node *node,
		       int level);

static void put_children(struct drawing *d, const struct topo_node *parent,
			 int level, struct trunk *trunk)
{
	const struct topo_node *node;
	double y;

	for (node = parent->child; node; node = node->next) {
		y = put_node(d, node, level);
		hang_on(d, trunk, y, node->child ? level_x(level) : d->device_x,
			node->role == TOPO_NOT_PCI ? "2 3" : "");
	}
}

/* The middle of where it is drawn */
static double put_node(struct drawing *d, const struct topo_node *node,
		       int level)
{
	double x = level_x(level), y;
	struct trunk trunk = { .x = x + BOX_WIDTH + 14 };

	if (!node->child)
		return put_device(d, node);
	/* A function with a device that has a tree of its own below it */
	if (node->ends)
		hang_on(d, &trunk, put_device(d, node), d->device_x, "");
	put_children(d, node, level + 1, &trunk);
	y = (trunk.first + trunk.last) / 2;
	put_line(d, trunk.x, trunk.first, trunk.x, trunk.last, "#777777", "");
	put_line(d, x + BOX_WIDTH, y, trunk.x, y, "#777777", "");
	put_bridge(d, node, x, y);
	return y;
}

static void put_tree(struct drawing *d)
{
	static const struct box_style cpu = { 4, "#333333", "#333333", 1, "" };
	static const struct text_style label = { 12, "#ffffff", "middle", true };
	struct trunk trunk = { .x = MARGIN + CPU_WIDTH };
	double y;

	put_children(d, &d->tree->top, 0, &trunk);
	if (!trunk.count)
		return;
	y = (trunk.first + trunk.last) / 2;
	put_box(d, MARGIN, y, CPU_WIDTH,
		trunk.last - trunk.first + ROW_HEIGHT - 8, &cpu);
	put_turned(d, MARGIN + CPU_WIDTH / 2. + 4, y, -90, &label, "CPU");
}

static void put_heads(const struct drawing *d)
{
	double y = MARGIN + TITLE_HEIGHT + d->head_height - 4;
	char name[LABEL_MAX];
	size_t j;

	for (j = 0; j < d->tree->n_devices; j++) {
		snprintf(name, sizeof(name), "%s", d->tree->devices[j].name);
		put_turned(d, d->cell_x + (j + 0.45) * CELL_WIDTH, y, -35,
			   &head_style, name);
	}
}

static void put_legend(const struct drawing *d)
{
	static const struct box_style memory = { 3, "#ffffff", BLUE, 2, "" };
	static const struct box_style rdma = { 11, "#ffffff", PURPLE, 2, "" };
	static const struct box_style redirects = {
		5, "#fdeee3", VERMILION, 2.2, "5 3"
	};
	double y = MARGIN + TITLE_HEIGHT + d->head_height +
		   d->rows * ROW_HEIGHT + 36;
	double right = MARGIN + LEGEND_WIDTH * 0.63;
	char about[ABOUT_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kind_styles); i++) {
		put_cell(d, MARGIN, y + i * LEGEND_ROW, &kind_styles[i],
			 p2pmr_path_kind_name(kind_styles[i].kind));
		put_text(d, MARGIN + CELL_WIDTH + 10, y + i * LEGEND_ROW + 4,
			 &legend_style, kind_styles[i].meaning);
	}
	put_box(d, right, y, 34, 22, &memory);
	put_text(d, right + 46, y + 4, &legend_style, "peer memory");
	put_box(d, right, y + LEGEND_ROW, 34, 22, &rdma);
	put_text(d, right + 46, y + LEGEND_ROW + 4, &legend_style,
		 "RDMA device");
	put_box(d, right, y + 2 * LEGEND_ROW, 34, 22, &redirects);
	put_text(d, right + 46, y + 2 * LEGEND_ROW + 4, &legend_style,
		 "ACS sends peer traffic to the CPU");
	put_text(d, right, y + 3 * LEGEND_ROW + 4, &legend_style,
		 "Numbers are distances: less is better.");
	snprintf(about, sizeof(about), "p2pmr " P2PMR_VERSION ", by the rules of Linux %s",
		 p2pmr_path_list_kernel());
	put_text(d, right, y + 4 * LEGEND_ROW + 4, &small_style, about);
}

/* "4 providers, 3 RDMA devices; 8 of 12 paths do not pass the CPU" */
static void put_title(const struct drawing *d)
{
	size_t n = d->tree->n_providers * d->tree->n_devices, direct = 0, i;
	char text[160];

	for (i = 0; i < n; i++)
		direct += d->tree->paths[i] &&
			  p2pmr_path_kind(d->tree->paths[i]) == P2PMR_PATH_BUS;
	put_text(d, MARGIN, MARGIN + 18, &title_style,
		 "Peer memory and RDMA devices");
	snprintf(text, sizeof(text),
		 "providers: %zu, RDMA devices: %zu; paths that do not pass the CPU: %zu of %zu",
		 d->tree->n_providers, d->tree->n_devices, direct, n);
	put_text(d, MARGIN, MARGIN + 40, &small_style, text);
}

/* How deep the tree is, how many devices there are, how long their names are */
static void measure(struct drawing *d, const struct topo_node *parent,
		    int level, int *rows)
{
	const struct topo_node *node;

	for (node = parent->child; node; node = node->next) {
		if (node->ends && text_width(node) + 34 > d->device_width)
			d->device_width = text_width(node) + 34;
		if (node->ends || !node->child)
			++*rows;
		if (!node->child)
			continue;
		if (level + 1 > d->levels)
			d->levels = level + 1;
		measure(d, node, level + 1, rows);
	}
}

static void lay_out(struct drawing *d)
{
	size_t longest = 0, j;
	int rows = 0;

	d->device_width = 150;
	measure(d, &d->tree->top, 0, &rows);
	for (j = 0; j < d->tree->n_devices; j++) {
		size_t len = strlen(d->tree->devices[j].name);

		if (len > longest)
			longest = len < LABEL_MAX ? len : LABEL_MAX;
	}
	/* The heads are turned by 35 degrees */
	d->head_height = longest * GLYPH * 0.574 + 20;
	d->device_x = level_x(d->levels);
	d->cell_x = d->device_x + d->device_width + 24;
	d->width = d->cell_x + d->tree->n_devices * CELL_WIDTH +
		   longest * GLYPH * 0.5 + MARGIN;
	if (d->width < LEGEND_WIDTH + 2 * MARGIN)
		d->width = LEGEND_WIDTH + 2 * MARGIN;
	d->height = 2 * MARGIN + TITLE_HEIGHT + d->head_height +
		    rows * ROW_HEIGHT + 36 +
		    ARRAY_SIZE(kind_styles) * LEGEND_ROW;
}

void topo_write_svg(FILE *f, const struct topo_tree *tree)
{
	struct drawing d = { .f = f, .tree = tree };

	lay_out(&d);
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" fill=\"none\" " FONT ">\n"
		"<title>Peer memory and RDMA devices</title>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
		d.width, d.height, d.width, d.height);
	put_title(&d);
	put_heads(&d);
	put_tree(&d);
	put_legend(&d);
	fputs("</svg>\n", f);
}
