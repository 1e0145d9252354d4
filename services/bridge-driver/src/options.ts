// What the bridge driver takes: all that a network with a bridge can be told.
import { bridgingOptions } from '@weft/bridging';
import type { OptionSpec } from '@weft/driver';

export const networkOptions: readonly OptionSpec[] = Object.values(bridgingOptions);
