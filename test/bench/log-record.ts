const order = {
  customer: { id: 'c-1048', name: 'Ada Lovelace', city: 'London' },
  lines: [
    { item: 'Earl Grey, 250 g', count: 2, price: 9.5 },
    { item: 'cup, bone china', count: 1, price: 14 },
  ],
  note: 'Please ring twice, the bell is quiet, and mind the cat on the stairs.',
}

/** What a logger is given to write a line of about 400 bytes: the envelope and data of journal.ts. */
export function logRecord(seq: number): object {
  const id = `V1StGXR8_Z5j-${seq}`
  return {
    seq,
    time: 1_700_000_000_000.5,
    kind: 'event',
    type: 'shop.orderPlaced',
    id,
    root: id,
    data: order,
  }
}
