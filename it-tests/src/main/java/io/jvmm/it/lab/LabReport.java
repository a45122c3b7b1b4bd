// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/** Reads JUnit's XML reports of test runs. */
final class LabReport {

    private static final String DISPLAY_NAME = "display-name: ";

    private LabReport() {}

    /**
     * All tests in all reports of a folder, in their order.
     *
     * @throws LabException if the folder has no report or one cannot be read
     */
    static List<LabTestResult> read(Path folder) {
        List<LabTestResult> results = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> reports =
                    files.filter(file -> file.toString().endsWith(".xml")).sorted().toList();
            if (reports.isEmpty()) {
                throw new LabException("the lab sent no test report");
            }
            for (Path report : reports) {
                Document document = parser().parse(report.toFile());
                NodeList cases = document.getElementsByTagName("testcase");
                for (int i = 0; i < cases.getLength(); i++) {
                    results.add(result((Element) cases.item(i)));
                }
            }
            return results;
        } catch (IOException | SAXException | ParserConfigurationException e) {
            throw new LabException("cannot read the lab's test report: " + e.getMessage(), e);
        }
    }

    private static LabTestResult result(Element test) {
        String className = test.getAttribute("classname");
        String name = name(test);
        for (String kind : List.of("failure", "error")) {
            NodeList found = test.getElementsByTagName(kind);
            if (found.getLength() > 0) {
                return new LabTestResult(className, name, LabTestResult.Status.FAILED, text(found));
            }
        }
        NodeList skipped = test.getElementsByTagName("skipped");
        return skipped.getLength() > 0
                ? new LabTestResult(className, name, LabTestResult.Status.SKIPPED, text(skipped))
                : new LabTestResult(className, name, LabTestResult.Status.PASSED, "");
    }

    /** JUnit puts the display name, which tells arguments, into the output beside the method. */
    private static String name(Element test) {
        String method = test.getAttribute("name").replaceAll("\\(.*", "");
        return text(test.getElementsByTagName("system-out"))
                .lines()
                .filter(line -> line.startsWith(DISPLAY_NAME))
                .map(line -> line.substring(DISPLAY_NAME.length()))
                .map(display -> display.startsWith(method) ? method : method + " " + display)
                .findFirst()
                .orElse(method);
    }

    private static String text(NodeList elements) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < elements.getLength(); i++) {
            text.append(elements.item(i).getTextContent()).append('\n');
        }
        return text.toString().strip();
    }

    private static DocumentBuilder parser() throws ParserConfigurationException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        return factory.newDocumentBuilder();
    }
}
