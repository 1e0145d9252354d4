// How far a network reaches: to each host for itself, or over all hosts with endpoints of it.
import type { Network } from '@weft/proto/model';

/** Its endpoints on all hosts reach each other. */
export const isGlobal = (network: Network | undefined): boolean => network?.desired?.scope === 'global';
