// The catalogue: the same products in every region, each answer marked with the region that gave it.
export interface Product {
  id: string;
  name: string;
  price_cents: number;
  region: string;
}

export const COUNT = 200;
const KINDS = ['Lamp', 'Chair', 'Table', 'Shelf', 'Rug'];

const ALL = new Map(Array.from({ length: COUNT }, (_, index) => {
  const id = `p-${index + 1}`;
  return [id, { id, name: `${KINDS[index % KINDS.length]} ${index + 1}`, price_cents: 990 + ((index * 7919) % 20000) }] as const;
}));

export function find(id: string, region: string): Product | undefined {
  const found = ALL.get(id);
  return found && { ...found, region };
}

export const list = (limit: number, region: string): Product[] =>
  [...ALL.values()].slice(0, limit).map((product) => ({ ...product, region }));
