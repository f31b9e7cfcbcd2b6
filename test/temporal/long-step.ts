/** A workflow of which one step takes long: its thread waits by the wall's clock, whatever the machine can do meanwhile. */
export async function longStep(milliseconds: number): Promise<'timed-out' | 'not-equal' | 'ok'> {
  return Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, milliseconds);
}
