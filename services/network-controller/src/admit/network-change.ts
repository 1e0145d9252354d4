// Whether a network may be changed in this way, and what its user will have asked for then. Pure.

import { type FaultError, fault, joinFaults, Reason } from '@weft/fault';
import type { DescribeResponse } from '@weft/proto/driver';
import type { Network, NetworkSpec } from '@weft/proto/model';
import type { View } from '../state/view.ts';
import { edited } from './edited.ts';
import { checkTexts } from './names.ts';

export interface NetworkChange {
  readonly setLabels: Readonly<Record<string, string>>;
  readonly removeLabels: readonly string[];
  readonly setOptions: Readonly<Record<string, string>>;
  readonly removeOptions: readonly string[];
}

export interface ChangedNetwork {
  readonly spec: NetworkSpec;
  /** The options to be validated: the user's own, over those of the configuration network it was made from. */
  readonly options: Readonly<Record<string, string>>;
  /** Options change, so the driver has a say. */
  readonly isDrivers: boolean;
}

/** @throws MISSING_FIELD, CONFLICTING_FIELDS, PREDEFINED_NETWORK, CONFIG_NETWORK, OPTION_FIXED, UNKNOWN_OPTION, and what texts are refused for */
export function changedNetwork(
  view: View,
  network: Network,
  driver: DescribeResponse | undefined,
  change: NetworkChange,
): ChangedNetwork {
  const { spec, desired } = network;
  if (spec === undefined) throw fault(Reason.INTERNAL, `network ${network.id} has no spec`);
  const { setLabels, removeLabels, setOptions, removeOptions } = change;
  const labels = [...Object.keys(setLabels), ...removeLabels];
  const options = [...Object.keys(setOptions), ...removeOptions];
  if (labels.length + options.length === 0) {
    throw fault(Reason.MISSING_FIELD, 'no label or option to change is given', { field: 'set_options' });
  }
  if (desired?.predefined && labels.length > 0) {
    const because = `${spec.name} is a pre-defined network: its labels cannot be changed, its options can`;
    throw fault(Reason.PREDEFINED_NETWORK, because, { network: spec.name, field: 'set_labels' });
  }
  if (spec.configOnly && options.length > 0) {
    const because = `"${spec.name}" is a configuration network: networks made from it keep the options they have`;
    throw fault(Reason.CONFIG_NETWORK, because, { field: 'set_options' });
  }
  const faults: FaultError[] = [
    checkTexts(setLabels, 'set_labels'),
    checkTexts(setOptions, 'set_options'),
    both(setLabels, removeLabels, 'remove_labels'),
    both(setOptions, removeOptions, 'remove_options'),
    ...options.map((key) => checkOption(key, spec.name, driver)),
    ...removeOptions.map((key) => checkRemoved(key, network, driver)),
  ].filter((one) => one !== undefined);
  if (faults.length > 0) throw joinFaults(`network ${spec.name} cannot be changed`, faults);
  const next = {
    ...spec,
    labels: edited(spec.labels, setLabels, removeLabels),
    options: edited(spec.options, setOptions, removeOptions),
  };
  const large = checkTexts(next.labels, 'labels') ?? checkTexts(next.options, 'options');
  if (large !== undefined) throw large;
  const base = view.networks.get(desired?.configFromId ?? '')?.value.spec?.options ?? {};
  return { spec: next, options: { ...base, ...next.options }, isDrivers: options.length > 0 };
}

function both(set: Readonly<Record<string, string>>, remove: readonly string[], field: string): FaultError | undefined {
  const key = remove.find((one) => one in set);
  if (key === undefined) return undefined;
  return fault(Reason.CONFLICTING_FIELDS, `${key} is to be set and to be removed; choose one`, { field });
}

/** An option the driver does not know is its own to refuse, as at the network's making. */
function checkOption(key: string, name: string, driver: DescribeResponse | undefined): FaultError | undefined {
  const option = driver?.options.find((one) => one.key === key && !one.endpoint);
  if (option === undefined || option.changeable) return undefined;
  const changeable = driver?.options.filter((one) => one.changeable && !one.endpoint).map((one) => one.key) ?? [];
  const can = changeable.length === 0 ? 'none of its options can be changed' : `these can be: ${changeable.join(', ')}`;
  const because = `option ${key} of network ${name} cannot be changed once it is made; ${can}`;
  return fault(Reason.OPTION_FIXED, because, { field: 'set_options', option: key });
}

/** One that is not set can be removed again; one that nobody knows is a slip of the pen. */
function checkRemoved(
  key: string,
  { spec, desired }: Network,
  driver: DescribeResponse | undefined,
): FaultError | undefined {
  const isSet = spec?.options[key] !== undefined || desired?.options[key] !== undefined;
  if (isSet || driver?.options.some((one) => one.key === key && !one.endpoint)) return undefined;
  const because = `network ${spec?.name} has no option ${key} that could be removed`;
  return fault(Reason.UNKNOWN_OPTION, because, { field: 'remove_options', option: key });
}
