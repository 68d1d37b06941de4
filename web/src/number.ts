// Numbers as people read them. Those of the answer come from Rust as text; these are for what is under the pointer.

/** With `digits` significant digits, the way Rust writes rates and losses: 0.0115, 3e-5. */
export function significant(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return "not finite";
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size >= 1e-4 && size < 1e6) return String(rounded);
  const [mantissa, power] = rounded.toExponential().split("e");
  return `${mantissa}e${Number(power)}`;
}

/** A rate: three digits. */
export const rate = (value: number): string => significant(value, 3);

/** A count in groups of three. */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** A time: 3.1 s, 3 min 20 s, 2 h 05 min. */
export function seconds(value: number): string {
  if (value < 9.95) return `${significant(value, 2)} s`;
  const whole = Math.round(value);
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
