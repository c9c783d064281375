// How is a figure written?

export const number = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : value >= 10 ? value.toFixed(1) : value === 0 ? "0" : value.toFixed(2));
export const whole = (value) => (Number.isInteger(value) ? value.toLocaleString("en") : number(value));
export const seconds = (value) => (value >= 120 ? `${(value / 60).toFixed(1)} min` : value >= 1 ? `${value.toFixed(1)} s` : `${number(1000 * value)} ms`);
