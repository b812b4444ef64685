/** Scopes of keys. */
export const SCOPES = ['match', 'search', 'register', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Demand of a route on its caller: a scope, any key at all, or nothing. */
export type Need = Scope | 'any key' | 'nothing';
