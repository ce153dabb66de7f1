/*
 * Two rows of modules are one row of text: each character's upper and lower
 * half is one module. White paper is drawn as lit cells, so a dark terminal
 * shows it right; with colours the cells are set to white on black whatever
 * the terminal's own are.
 */
#include "qr.h"

#include <qrencode.h>

#define QUIET 2

static bool
is_white(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width) {
        return true;
    }
    return (code->data[y * code->width + x] & 1) == 0;
}

bool
qr_print(struct out *o, const char *text)
{
    static const char *const cells[] = {" ", "▄", "▀", "█"};
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    int x;
    int y;

    if (code == NULL) {
        return false;
    }
    for (y = -QUIET; y < code->width + QUIET; y += 2) {
        fputs(o->has_main_color ? "\033[97;40m" : "", o->main);
        for (x = -QUIET; x < code->width + QUIET; x++) {
            fputs(cells[2 * is_white(code, x, y) + is_white(code, x, y + 1)],
                  o->main);
        }
        fputs(o->has_main_color ? "\033[0m\n" : "\n", o->main);
    }
    QRcode_free(code);
    return true;
}
