/* QR codes in a terminal. */
#ifndef CLI_QR_H
#define CLI_QR_H

#include "out.h"

/* Draws `text` on `main` in half blocks, with the quiet border that cameras
 * want. False when it is too long for a QR code. */
bool qr_print(struct out *o, const char *text);

#endif
