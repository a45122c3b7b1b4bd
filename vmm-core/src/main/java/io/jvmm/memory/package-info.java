// SPDX-License-Identifier: Apache-2.0
/**
 * Guest memory: how it is laid out around the device hole, and the one gate through which loaders,
 * devices and debuggers reach it. Host mappings are made elsewhere and handed in as segments.
 */
package io.jvmm.memory;
