import { Transform, type Duplex } from 'node:stream'

/** Writes in pieces, each in a TLS record of its own, and returns the last piece for the caller to write. */
export async function writeAllButLast(
  stream: Duplex,
  bytes: Uint8Array,
  chunkBytes: number = bytes.length,
): Promise<Uint8Array> {
  let offset = 0
  for (; offset + chunkBytes < bytes.length && !stream.destroyed; offset += chunkBytes) {
    await new Promise((resolve) => stream.write(bytes.subarray(offset, offset + chunkBytes), resolve))
  }
  return bytes.subarray(offset)
}

/** Passes on what it gets in slices of so many bytes. */
export function slices(bytes: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let offset = 0; offset < chunk.length; offset += bytes) {
        this.push(chunk.subarray(offset, offset + bytes))
      }
      done()
    },
  })
}
