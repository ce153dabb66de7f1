/* Layouts of bundles, both ways. */
#include "bundle_parts.h"

const uint8_t bundle_magic[4] = {'E', 'N', 'T', 'B'};
const uint8_t bundle_manifest_magic[4] = {'E', 'N', 'T', 'M'};

void
ent_bundle_proof(const struct ent_key *pair, const uint8_t bundle_id[16],
                 const struct ent_bundle_sums *sums, uint8_t ret_proof[16])
{
    uint8_t layout[16 + 16 + 8 + 16];

    memcpy(layout, bundle_id, 16);
    memcpy(layout + 16, sums->sum, 16);
    ent_put_u64(layout + 32, sums->head_count);
    memcpy(layout + 40, sums->spaces, 16);
    ent_mac(ENT_SLICE_OF(*pair), ENT_SLICE_OF(layout), ret_proof, 16);
}

void
bundle_header_mac(const struct ent_key *key, struct ent_slice header,
                  uint8_t ret_mac[BUNDLE_MAC_LEN])
{
    struct ent_id mac_key;

    ent_hash("entente/bundle-mac/1", ENT_SLICE_OF(*key), &mac_key);
    ent_mac(ENT_SLICE_OF(mac_key), header, ret_mac, BUNDLE_MAC_LEN);
    ent_wipe(&mac_key, sizeof(mac_key));
}

void
bundle_end_layout(struct ent_slice manifest_body, uint64_t run_count,
                  const struct ent_id *runs,
                  uint8_t ret_layout[BUNDLE_END_LAYOUT])
{
    struct ent_id body;

    ent_hash("entente/bundle-manifest/1", manifest_body, &body);
    memcpy(ret_layout, body.b, 32);
    ent_put_u64(ret_layout + 32, run_count);
    memcpy(ret_layout + 40, runs->b, 32);
}

void
bundle_hash_run(struct ent_hasher *h, struct ent_slice run)
{
    uint8_t len[4];

    ent_put_u32(len, (uint32_t)run.len);
    ent_hasher_add(h, ENT_SLICE_OF(len));
    ent_hasher_add(h, run);
}

static void
put_line(struct ent_buf *out, const struct ent_bundle_receiver *line)
{
    ent_buf_put(out, line->node.b, sizeof(line->node.b));
    ent_buf_put_u64(out, line->after);
    ent_buf_put_u64(out, line->upto);
    ent_buf_put(out, line->upto_id, sizeof(line->upto_id));
    ent_buf_put(out, line->store_id, sizeof(line->store_id));
    ent_buf_put_u64(out, line->consumed);
    ent_buf_put(out, line->consumed_id, sizeof(line->consumed_id));
    ent_buf_put(out, line->proof, sizeof(line->proof));
}

void
bundle_manifest_encode(const struct ent_bundle_manifest *m, struct ent_buf *out)
{
    size_t i;

    ent_buf_put(out, bundle_manifest_magic, sizeof(bundle_manifest_magic));
    ent_buf_put_u8(out, BUNDLE_VERSION);
    ent_buf_put_u8(out, (uint8_t)m->receiver_count);
    ent_buf_put(out, m->bundle_id, sizeof(m->bundle_id));
    ent_buf_put(out, m->sender.b, sizeof(m->sender.b));
    ent_buf_put_u64(out, m->made_at);
    ent_buf_put(out, m->store_id, sizeof(m->store_id));
    for (i = 0; i < m->receiver_count; i++) {
        put_line(out, &m->receivers[i]);
    }
}

/* Copies the next bytes out and moves on; the length was checked. */
static const uint8_t *
take(const uint8_t *p, void *ret_p, size_t len)
{
    memcpy(ret_p, p, len);
    return p + len;
}

static const uint8_t *
take_line(const uint8_t *p, struct ent_bundle_receiver *line)
{
    p = take(p, line->node.b, sizeof(line->node.b));
    line->after = ent_get_u64(p);
    line->upto = ent_get_u64(p + 8);
    p = take(p + 16, line->upto_id, sizeof(line->upto_id));
    p = take(p, line->store_id, sizeof(line->store_id));
    line->consumed = ent_get_u64(p);
    p = take(p + 8, line->consumed_id, sizeof(line->consumed_id));
    return take(p, line->proof, sizeof(line->proof));
}

bool
bundle_manifest_decode(struct ent_slice body, struct ent_bundle_manifest *ret_m)
{
    const uint8_t *p = body.p;
    size_t count;
    size_t i;

    if (body.len < BUNDLE_MANIFEST_FIXED ||
        memcmp(p, bundle_manifest_magic, sizeof(bundle_manifest_magic)) != 0 ||
        p[4] != BUNDLE_VERSION) {
        return false;
    }
    count = p[5];
    if (count == 0 || count > ENT_BUNDLE_RECEIVERS_MAX ||
        body.len != BUNDLE_MANIFEST_FIXED + count * BUNDLE_LINE_LEN) {
        return false;
    }
    *ret_m = (struct ent_bundle_manifest){.receiver_count = count};
    p = take(p + 6, ret_m->bundle_id, sizeof(ret_m->bundle_id));
    p = take(p, ret_m->sender.b, sizeof(ret_m->sender.b));
    ret_m->made_at = ent_get_u64(p);
    p = take(p + 8, ret_m->store_id, sizeof(ret_m->store_id));
    for (i = 0; i < count; i++) {
        p = take_line(p, &ret_m->receivers[i]);
        if (ret_m->receivers[i].after > ret_m->receivers[i].upto) {
            return false;
        }
    }
    return true;
}
