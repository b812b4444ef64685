/** Cell of a CSV file (RFC 4180): in quotes where it holds a separator, a quote or a line break. */
export const csvCell = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
