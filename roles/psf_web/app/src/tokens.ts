// Under which name the configuration is injected.
export const CONFIG = Symbol('config');
