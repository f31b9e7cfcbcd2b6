/** A workflow of which one step takes long, and what it spends that time on. */
export async function longStep(turns: number): Promise<{ sum: number }> {
  return { sum: spin(turns) };
}

export function spin(turns: number): number {
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) sum = (sum + turn * 7) % 1_000_003;
  return sum;
}
