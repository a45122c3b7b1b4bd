// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;

import java.util.ArrayList;
import java.util.List;

/** Failures to be told to requests once no lock is held, because an answer may call back. */
final class Answers {

    private final List<Answer> answers = new ArrayList<>();

    private record Answer(PageRequest request, int first, int count, PageFailure failure) {}

    void add(PageRequest request, int first, int count, PageFailure failure) {
        answers.add(new Answer(request, first, count, failure));
    }

    void tell() {
        for (Answer answer : answers) {
            answer.request().failed(answer.first(), answer.count(), answer.failure());
        }
    }
}
